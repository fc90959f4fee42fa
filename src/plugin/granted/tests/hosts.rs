//! Speaking to hosts: to a small server in the test, and to nobody else.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use super::{Bench, list};
use crate::cancel::CancelLevel;
use crate::pipeline::plugin::Grants;
use crate::plugin::granted::Granted;
use crate::plugin::services::{HeaderValue, HttpFailure, HttpRequest, HttpResponse, Services};

const TOKEN: &str = "s3cr3t/T0?a=b c";

/// A server that notes what it is sent and answers by it.
struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers each request as this says, on a thread that ends with the test.
    fn answering(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, requests) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
        let noted = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let (mut request, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line).is_err() {
                        // No HTTP: it is answered all the same.
                        break;
                    }
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    request.push_str(&line);
                    if line == "\r\n" || line.is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).unwrap();
                request.push_str(&String::from_utf8_lossy(&body));
                noted.lock().unwrap().push(request.clone());
                // Who asked may have gone.
                let _ = stream.get_mut().write_all(&answer(&request));
            }
        });
        Self { port, requests }
    }

    fn saying(text: &'static str) -> Self {
        Self::answering(move |_| with_length("200 OK", "X-Kind: test\r\n", text.as_bytes()))
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// A plugin that may speak to it, and may send a secret.
    fn guest(&self) -> Granted {
        self.guest_in(Bench::at(std::path::Path::new("/")))
    }

    fn guest_in(&self, bench: Bench) -> Granted {
        let grants = Grants {
            http: list(&[&format!("127.0.0.1:{}", self.port), "example.invalid"]),
            secrets: list(&["TOKEN", "ODD", "UNSET"]),
            ..Grants::default()
        };
        let env =
            [("TOKEN", TOKEN), ("ODD", "a\r\nX-Evil: 1"), ("OTHER", "other"), ("HTTPS_PROXY", "http://127.0.0.1:1")];
        bench.env(&env).granted(&grants)
    }
}

fn with_length(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn get(url: &str) -> HttpRequest {
    HttpRequest { method: "GET".into(), url: url.to_owned(), headers: Vec::new(), body: Vec::new(), timeout_ms: None }
}

fn denied(answer: Result<HttpResponse, HttpFailure>) -> String {
    match answer {
        Err(HttpFailure::Denied(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn failed(answer: Result<HttpResponse, HttpFailure>) -> String {
    match answer {
        Err(HttpFailure::Other(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_granted_host_is_spoken_to() {
    let server = Server::saying("hello");
    let mut guest = server.guest();
    let response = guest.send(get(&server.url("/a?b=c#d"))).unwrap();
    assert_eq!((response.status, response.body.as_slice()), (200, b"hello".as_slice()));
    assert!(response.headers.contains(&("x-kind".to_owned(), "test".to_owned())), "{:?}", response.headers);
    let request = HttpRequest {
        method: "POST".into(),
        headers: vec![("X-A".into(), HeaderValue::Plain("{{TOKEN}}".into()))],
        body: b"body".to_vec(),
        ..get(&server.url("/"))
    };
    guest.send(request).unwrap();
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /a?b=c HTTP/1.1\r\n"), "{}", requests[0]);
    assert!(requests[1].starts_with("POST / HTTP/1.1\r\n") && requests[1].ends_with("\r\n\r\nbody"), "{}", requests[1]);
    // Only what is called a secret is one.
    assert!(requests[1].to_ascii_lowercase().contains("x-a: {{token}}"), "{}", requests[1]);
}

#[test]
fn a_status_that_is_no_success_is_an_answer() {
    let server = Server::answering(|_| with_length("503 Busy", "", b"later"));
    let response = server.guest().send(get(&server.url("/"))).unwrap();
    assert_eq!((response.status, response.body.as_slice()), (503, b"later".as_slice()));
}

#[test]
fn what_is_not_granted_is_not_even_connected_to() {
    let (server, other) = (Server::saying("hello"), Server::saying("other"));
    let mut guest = server.guest();
    let why = denied(guest.send(get(&other.url("/"))));
    assert!(why.contains(&format!(r#"http = ["127.0.0.1:{}"]"#, other.port)), "{why}");
    for url in [
        "http://127.0.0.1/".to_owned(),
        format!("http://localhost:{}/", server.port),
        format!("https://user:hunter2@127.0.0.1:{}/", server.port),
        format!("http://127.0.0.1:{}@127.0.0.1:{}/", server.port, other.port),
        "http://example.invalid/".to_owned(),
        "https://a.example.invalid/".to_owned(),
        "https://{{TOKEN}}.example.invalid/".to_owned(),
    ] {
        let why = denied(guest.send(get(&url)));
        assert!(!why.contains("hunter2") && !why.contains("s3cr3t"), "{why}");
    }
    assert!(server.requests().is_empty() && other.requests().is_empty());
}

#[test]
fn no_redirect_is_followed() {
    let elsewhere = Server::saying("elsewhere");
    let location = format!("Location: {}\r\n", elsewhere.url("/"));
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let location = location.clone();
        let server = Server::answering(move |_| with_length(status, &location, b""));
        let response = server.guest().send(get(&server.url("/"))).unwrap();
        assert_eq!(response.status.to_string(), status[..3]);
        let post = HttpRequest { method: "POST".into(), body: b"x".to_vec(), ..get(&server.url("/")) };
        assert_eq!(server.guest().send(post).unwrap().status.to_string(), status[..3]);
    }
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn a_secret_is_sent_and_the_guest_never_sees_it() {
    // It repeats all that it is sent, as some servers do.
    let server = Server::answering(|request| {
        let line = request.lines().next().unwrap().to_owned();
        with_length("404 Gone", &format!("X-Line: {line}\r\n"), request.as_bytes())
    });
    let request = HttpRequest {
        headers: vec![("Authorization".into(), HeaderValue::Secret("Bearer {{TOKEN}}".into()))],
        ..get(&server.url("/hook/{{TOKEN}}?key={{TOKEN}}&x={y}"))
    };
    let response = server.guest().send(request).unwrap();
    let sent = server.requests().remove(0);
    assert!(sent.starts_with("GET /hook/s3cr3t/T0%3Fa=b%20c?key=s3cr3t%2FT0%3Fa%3Db%20c&x={y} HTTP"), "{sent}");
    assert!(
        sent.to_ascii_lowercase().contains(&format!("authorization: bearer {}", TOKEN.to_ascii_lowercase())),
        "{sent}"
    );
    let seen = format!("{:?} {}", response.headers, String::from_utf8(response.body).unwrap());
    assert!(!seen.contains("s3cr3t"), "{seen}");
    assert!(seen.contains("GET /hook/{{TOKEN}}?key={{TOKEN}}&x={y}") && seen.contains("Bearer {{TOKEN}}"), "{seen}");
}

#[test]
fn a_secret_that_is_not_granted_or_not_there_is_not_sent() {
    let server = Server::saying("hello");
    let mut guest = server.guest();
    let header = |text: &str| HttpRequest {
        headers: vec![("X-A".into(), HeaderValue::Secret(text.into()))],
        ..get(&server.url("/"))
    };
    let why = denied(guest.send(header("{{OTHER}}")));
    assert!(why.contains(r#"secrets = ["OTHER"]"#), "{why}");
    denied(guest.send(get(&server.url("/{{OTHER}}"))));
    for text in ["{{UNSET}}", "{{TOKEN", "{{ODD}}"] {
        let why = failed(guest.send(header(text)));
        assert!(!why.contains("X-Evil"), "{why}");
    }
    assert!(server.requests().is_empty());
    // In an address, it cannot be another line of the request.
    guest.send(get(&server.url("/{{ODD}}"))).unwrap();
    assert!(server.requests()[0].starts_with("GET /a%0D%0AX-Evil:%201 HTTP"), "{}", server.requests()[0]);
}

#[test]
fn headers_and_methods_that_change_what_a_request_is_are_refused() {
    let server = Server::saying("hello");
    let mut guest = server.guest();
    for name in ["Host", "Content-Length", "transfer-encoding", "Connection", "Proxy-Authorization", "Upgrade"] {
        let headers = vec![(name.to_owned(), HeaderValue::Plain("1".into()))];
        denied(guest.send(HttpRequest { headers, ..get(&server.url("/")) }));
    }
    for (name, value) in [("a b", "1"), ("", "1"), ("x", "a\r\nHost: b"), ("x", "a\0")] {
        let headers = vec![(name.to_owned(), HeaderValue::Plain(value.into()))];
        failed(guest.send(HttpRequest { headers, ..get(&server.url("/")) }));
    }
    for method in ["CONNECT", "TRACE", "get", "", "GET / HTTP/1.1\r\n"] {
        failed(guest.send(HttpRequest { method: method.into(), ..get(&server.url("/")) }));
    }
    assert!(server.requests().is_empty());
}

#[test]
fn what_is_too_large_is_refused_both_ways() {
    let server = Server::answering(|request| {
        let size = if request.contains("/large") { (16 << 20) + 1 } else { 16 << 20 };
        with_length("200 OK", "", &vec![b'x'; size])
    });
    let mut guest = server.guest();
    assert_eq!(guest.send(get(&server.url("/"))).unwrap().body.len(), 16 << 20);
    assert_eq!(failed(guest.send(get(&server.url("/large")))), "the answer is larger than 16 MiB");
    let body = vec![0; (16 << 20) + 1];
    failed(guest.send(HttpRequest { method: "POST".into(), body, ..get(&server.url("/")) }));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn nobody_is_waited_for_for_ever() {
    // It accepts, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let server = Server { port, requests: Arc::default() };
    let request = HttpRequest { timeout_ms: Some(50), ..get(&server.url("/")) };
    assert_eq!(server.guest().send(request), Err(HttpFailure::Timeout));
    let bench = Bench::at(std::path::Path::new("/"));
    let cancel = bench.cancel.clone();
    let mut guest = server.guest_in(bench);
    let (url, sending) = (server.url("/"), std::thread::spawn(move || silent.accept().unwrap()));
    let waiting = std::thread::spawn(move || guest.send(get(&url)));
    // The first request's connection, then that of the one to be ended.
    drop(sending.join().unwrap());
    cancel.raise(CancelLevel::Terminate);
    assert_eq!(failed(waiting.join().unwrap()), "the stage is to end");
}

#[test]
fn a_connection_that_fails_is_told_without_the_address() {
    let server = Server::answering(|_| b"no http at all\r\n\r\n".to_vec());
    let mut guest = server.guest();
    let url = server.url("/{{TOKEN}}");
    for url in [url.clone(), url.replace("http:", "https:")] {
        let why = failed(guest.send(get(&url)));
        assert!(why.starts_with("the ") && !why.contains("s3cr3t") && !why.contains("TOKEN"), "{why}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let gone = Server { port: closed, requests: Arc::default() };
    let why = failed(gone.guest().send(get(&gone.url("/{{TOKEN}}"))));
    assert!(why.starts_with("the connection failed: "), "{why}");
}
