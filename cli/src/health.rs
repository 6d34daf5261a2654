//! `design-analysis health`: asks the server of the same environment whether it lives. Container images have no
//! `curl` for that.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use analysis_http::ServerConfig;
use analysis_storage::Error;
use axum::http::{Request, StatusCode, header::HOST};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};

use crate::exit::{FOUND, Failure};

/// How long the answer may take: below the 3 seconds that the health checks below `deploy/` wait.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why the server does not count as healthy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HealthError {
    #[error(transparent)]
    Config(#[from] Error),
    #[error("no server answers at {host}:{port} (API_HOST, API_PORT)")]
    NoAnswer { host: String, port: u16, source: Box<dyn std::error::Error> },
    #[error("GET /health answered {0}")]
    Unhealthy(StatusCode),
}

impl Failure for HealthError {
    /// Docker reserves 2 (Dockerfile reference, `HEALTHCHECK`).
    fn exit_code(&self) -> u8 {
        FOUND
    }
}

/// Succeeds if `/health` answers 200 at `API_HOST` and `API_PORT`.
pub(crate) async fn run() -> Result<(), HealthError> {
    let ServerConfig { host, port, .. } = ServerConfig::from_env()?;
    let answer = match tokio::time::timeout(PATIENCE, ask(&host, port)).await {
        Ok(answer) => answer,
        Err(late) => Err(late.into()),
    };
    match answer {
        Ok(StatusCode::OK) => Ok(()),
        Ok(status) => Err(HealthError::Unhealthy(status)),
        Err(source) => Err(HealthError::NoAnswer { host, port, source }),
    }
}

async fn ask(host: &str, port: u16) -> Result<StatusCode, Box<dyn std::error::Error>> {
    let address = lookup_host((host, port)).await?.next().ok_or("the name has no address")?;
    let stream = TcpStream::connect(reachable(address)).await?;
    let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get("/health").header(HOST, address.to_string()).body(String::new())?;
    Ok(requests.send_request(request).await?.status())
}

/// A server that listens on all addresses is asked on the loopback one.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_all_addresses_is_asked_on_the_loopback_one() {
        for (listening, asked) in
            [("0.0.0.0:8000", "127.0.0.1:8000"), ("[::]:8000", "[::1]:8000"), ("10.1.2.3:80", "10.1.2.3:80")]
        {
            assert_eq!(reachable(listening.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
