//! A proxy serves the API below a path of its own, and takes that path off before it passes requests on.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use tempfile::TempDir;

use crate::harness::{Client, JSON, Server, resolve};

const PREFIX: &str = "/team/api";

/// Listens for requests below the prefix; the base URL of the API there.
fn prefixing_proxy(server: &Server) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}{PREFIX}", listener.local_addr().unwrap());
    let upstream = server.url.strip_prefix("http://").unwrap().to_owned();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, upstream) = (client.unwrap(), upstream.clone());
            thread::spawn(move || pass_on(client, &upstream));
        }
    });
    base
}

/// One request of a connection, with its path as the server knows it.
fn pass_on(mut client: TcpStream, upstream: &str) {
    let mut request = BufReader::new(client.try_clone().unwrap());
    let mut server = TcpStream::connect(upstream).unwrap();
    let mut line = String::new();
    request.read_line(&mut line).unwrap();
    let (method, target) = line.split_once(' ').unwrap();
    let target = target.strip_prefix(PREFIX).unwrap_or("/outside HTTP/1.1\r\n");
    write!(server, "{method} {target}connection: close\r\n").unwrap();
    let mut answers = server.try_clone().unwrap();
    let sending = thread::spawn(move || std::io::copy(&mut request, &mut server));
    let mut answer = Vec::new();
    answers.read_to_end(&mut answer).unwrap();
    let _ = client.write_all(&answer);
    let _ = client.shutdown(Shutdown::Both);
    let _ = sending.join().unwrap();
}

#[test]
fn what_an_answer_leads_to_is_below_the_prefix() {
    let directory = TempDir::new().unwrap();
    let server = Server::on_files(directory.path());
    let client = Client::new(&prefixing_proxy(&server));

    for (method, path) in [("POST", "/analyses"), ("PUT", "/analyses/study-1"), ("PUT", "/analyses/a.b_c-d")]
    {
        let body = format!(r#"{{"n":"{method}"}}"#).into_bytes();
        let saved = client.send(method, path, &[JSON], &body);
        assert_eq!(saved.status, 201);
        let location = resolve(&format!("{PREFIX}{path}"), saved.header("location"));
        let path = location.strip_prefix(PREFIX).unwrap_or_else(|| panic!("{location} is outside"));
        assert_eq!(client.get(path).body, body, "{location}");
    }

    let page = client.get("/analyses?limit=2");
    let next = page.header("link").strip_prefix('<').unwrap().split_once('>').unwrap().0;
    let next = resolve(&format!("{PREFIX}/analyses"), next);
    let rest = client.get(next.strip_prefix(PREFIX).unwrap()).json();
    assert_eq!(rest["analyses"].as_array().unwrap().len(), 1);

    assert_eq!(client.get("/analyses/?limit=3").json()["analyses"].as_array().unwrap().len(), 3);
    for link in client.get("/").json()["links"].as_array().unwrap() {
        let path = resolve(&format!("{PREFIX}/"), link.as_str().unwrap());
        assert_eq!(client.get(path.strip_prefix(PREFIX).unwrap()).status, 200, "{link}");
    }
}
