//! A client that is no HTTP client: it sends what it is told, and reads when it is told.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::Server;

pub(super) struct Raw(TcpStream);

impl Raw {
    pub(super) fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(server.authority()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self(stream)
    }

    /// One request without a body.
    pub(super) fn request(server: &Server, method: &str, path: &str, headers: &[&str]) -> Vec<u8> {
        let host = format!("Host: {}", server.authority());
        let json = "Content-Type: application/json";
        let head = [&[host.as_str(), json], headers].concat().join("\r\n");
        format!("{method} {path} HTTP/1.1\r\n{head}\r\n\r\n").into_bytes()
    }

    pub(super) fn asking(server: &Server, method: &str, path: &str) -> Self {
        Self::asking_with(server, method, path, &[])
    }

    pub(super) fn asking_with(server: &Server, method: &str, path: &str, headers: &[&str]) -> Self {
        Self::connect(server).sending(&Self::request(server, method, path, headers))
    }

    pub(super) fn sending(self, bytes: &[u8]) -> Self {
        self.try_send(bytes).unwrap();
        self
    }

    pub(super) fn try_send(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.0).write_all(bytes)
    }

    /// The status of the answer. Nothing behind it is read.
    pub(super) fn status(&mut self) -> u16 {
        let mut line = [0; 12];
        self.0.read_exact(&mut line).unwrap();
        std::str::from_utf8(&line[9..]).unwrap().parse().unwrap()
    }

    /// What else has come before the connection ended.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset ends it as well.
        let _ = self.0.read_to_end(&mut rest);
        rest
    }

    pub(super) fn answer(mut self) -> String {
        String::from_utf8_lossy(&self.rest()).into_owned()
    }
}
