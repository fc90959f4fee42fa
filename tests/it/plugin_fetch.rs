//! Plugins that come over https, from a server of the test's own with certificates of an authority of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::forge::{About, Forge};
use crate::support::{Finished, Invocation, Project, have};

/// How `openssl ca` signs what it is given.
const AUTHORITY: &str = "[ca]\ndefault_ca=own\n[own]\nnew_certs_dir=.\ndatabase=index.txt\nserial=serial\ndefault_md=sha256\n\
                         policy=any\ncopy_extensions=copy\nunique_subject=no\n[any]\ncommonName=supplied\n";

/// What is said to who asks for something.
#[derive(Clone)]
pub(crate) enum Answer {
    /// These bytes.
    Bytes(Vec<u8>),
    /// This, and the connection ends.
    Raw(&'static str),
    /// Nothing, until who asked has gone.
    Nothing,
}

/// A server that gives the same answer to all.
pub(crate) struct Server {
    pub(crate) port: u16,
    answer: Arc<Mutex<Answer>>,
    /// The first line of each request, and what was sent with it.
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Server {
    /// One that has this certificate. It ends with the test's process.
    pub(crate) fn new(certificates: &Path, name: &str) -> Self {
        let chain = vec![CertificateDer::from_pem_file(certificates.join(format!("{name}.pem"))).unwrap()];
        let key = PrivateKeyDer::from_pem_file(certificates.join(format!("{name}.key"))).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answer, asked) = (Arc::new(Mutex::new(Answer::Raw(""))), Arc::<Mutex<Vec<(String, String)>>>::default());
        let server = Self { port, answer: Arc::clone(&answer), asked: Arc::clone(&asked) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let answer = answer.lock().unwrap().clone();
                // Who does not trust it goes away.
                drop(serve(stream.unwrap(), &config, &answer, &asked));
            }
        });
        server
    }

    /// Has it answer like this from now on.
    pub(crate) fn answers(&self, answer: Answer) -> &Self {
        *self.answer.lock().unwrap() = answer;
        self
    }

    /// What it was asked, first lines and bodies.
    pub(crate) fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().clone()
    }

    fn url(&self, host: &str) -> String {
        format!("https://{host}:{}/tools/sample.wasm", self.port)
    }
}

/// Answers on one connection, which may begin with being asked for a way through, as proxies are.
fn serve(
    mut stream: TcpStream,
    config: &Arc<ServerConfig>,
    answer: &Answer,
    asked: &Mutex<Vec<(String, String)>>,
) -> std::io::Result<()> {
    let mut first = [0];
    stream.peek(&mut first)?;
    if first == *b"C" {
        asked.lock().unwrap().push(request(&mut BufReader::new(stream.try_clone()?))?);
        stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
    }
    let connection = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    let mut tls = StreamOwned::new(connection, stream);
    asked.lock().unwrap().push(request(&mut BufReader::new(&mut tls))?);
    match answer {
        Answer::Bytes(bytes) => {
            tls.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len()).as_bytes())?;
            tls.write_all(bytes)?;
        }
        Answer::Raw(text) => tls.write_all(text.as_bytes())?,
        Answer::Nothing => drop(tls.read(&mut [0])?),
    }
    tls.flush()
}

/// The first line of a request, and what comes with it.
fn request(from: &mut impl BufRead) -> std::io::Result<(String, String)> {
    let (mut first, mut line, mut length) = (String::new(), String::new(), 0);
    while from.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if first.is_empty() {
            line.trim_end().clone_into(&mut first);
        }
        line.clear();
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok((first, String::from_utf8_lossy(&body).into_owned()))
}

/// An authority of the test's own (`ca.pem`), and what it says of hosts: `good` is this machine and `example.invalid`,
/// `other` is another, `old` was this machine.
pub(crate) struct Authority(pub(crate) PathBuf);

impl Authority {
    pub(crate) fn new(project: &Project) -> Option<Self> {
        if !have("openssl") {
            return None;
        }
        let dir = project.side("authority");
        fs::create_dir(&dir).unwrap();
        for (file, text) in [("ca.cnf", AUTHORITY), ("index.txt", ""), ("serial", "01\n")] {
            fs::write(dir.join(file), text).unwrap();
        }
        let authority = Self(dir);
        let new = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        authority.openssl(&format!("{new} -x509 -keyout ca.key -out ca.pem -days 10 -subj /CN=authority"));
        for (name, hosts, times) in [
            ("good", "IP:127.0.0.1,DNS:example.invalid", "-days 10"),
            ("other", "DNS:other.example.invalid", "-days 10"),
            ("old", "IP:127.0.0.1", "-startdate 20200101000000Z -enddate 20200201000000Z"),
        ] {
            authority.openssl(&format!(
                "{new} -keyout {name}.key -out {name}.csr -subj /CN={name} -addext subjectAltName={hosts}"
            ));
            authority.openssl(&format!(
                "ca -batch -notext -config ca.cnf -cert ca.pem -keyfile ca.key -in {name}.csr -out {name}.pem {times}"
            ));
        }
        Some(authority)
    }

    fn openssl(&self, args: &str) {
        let mut openssl = Command::new("openssl");
        let done = openssl.args(args.split(' ')).current_dir(&self.0).stdin(Stdio::null()).output().unwrap();
        assert!(done.status.success(), "openssl {args}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// The program, which trusts it.
    pub(crate) fn trusted<'p>(&self, project: &'p Project, args: &[&str]) -> Invocation<'p> {
        project.local_ci(args).env("SSL_CERT_FILE", self.0.join("ca.pem"))
    }
}

fn component(version_of: &str) -> Vec<u8> {
    let mut forge = Forge::default();
    let info = forge.info(&About::default());
    forge.describe = Some(format!("(i32.const {info})"));
    let outcome = forge.outcome(0, Some(version_of));
    forge.run = format!("(i32.const {outcome})");
    forge.build()
}

/// The first line of what was said, which is an error about fetching, without the address.
#[track_caller]
fn why(finished: Finished) -> String {
    let said = finished.assert_code(3).stderr();
    let line = said.lines().next().unwrap();
    assert!(line.starts_with("error: plugin sample cannot be fetched from https://"), "{said}");
    assert!(said.contains("\n  hint: "), "{said}");
    line.split_once(".wasm: ").unwrap().1.to_owned()
}

/// From nothing to a run on another machine that has the lock file alone; and what a server does to that.
#[test]
fn a_plugin_comes_over_https_and_is_what_was_locked() {
    let project = Project::new();
    let Some(authority) = Authority::new(&project) else { return };
    let server = Server::new(&authority.0, "good");
    project.write(".git/HEAD", "").config("[stages.a]\nrun = 'true'\n").expects("local-ci.lock");
    let (url, ours) = (server.url("127.0.0.1"), component("ours"));
    server.answers(Answer::Bytes(ours.clone()));
    let run = |args: &[&str]| authority.trusted(&project, args).output();
    run(&["plugin", "add", &url]).assert_code(0);
    let config = fs::read_to_string(project.dir().join("local-ci.toml")).unwrap();
    project.config(&format!("{config}[stages.b]\nuses = \"sample\"\n"));
    assert!(run(&["--locked", "b"]).assert_code(0).stdout().contains("ours"));

    // Another machine, which has nothing of it yet: no run fetches it, and one command does.
    let cache = project.root().join("cache");
    fs::remove_dir_all(&cache).unwrap();
    let asked = server.asked().len();
    let said = run(&["--locked", "b"]).assert_code(2).stderr();
    assert!(said.contains("plugin sample is not on this machine") && said.contains("update sample --locked"), "{said}");
    assert_eq!(server.asked().len(), asked, "a run has asked for it");
    run(&["plugin", "update", "--locked"]).assert_code(0);
    run(&["--locked", "b"]).assert_code(0);

    // Other bytes than were locked are not taken, and nothing of them is kept.
    fs::remove_dir_all(&cache).unwrap();
    server.answers(Answer::Bytes(component("theirs")));
    let said = run(&["plugin", "update", "--locked"]).assert_code(2).stderr();
    assert!(said.contains("plugin sample is not what was locked: ") && said.contains("has other bytes now"), "{said}");
    assert_eq!(fs::read_dir(cache.join("plugins")).map_or(0, Iterator::count), 0);

    let odd = [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "there is nothing at that address (status 404)"),
        ("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "the host answered with status 503"),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            "it leads elsewhere, to where nothing is encrypted",
        ),
        (
            // Else the next request might be sent on a connection that is about to be closed.
            "HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "it leads elsewhere again and again",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n", "it is larger than 64 MiB"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "the connection ended before all of it was there"),
        ("SSH-2.0-OpenSSH\r\n", "the answer is no HTTP"),
    ];
    for (answer, expected) in odd {
        server.answers(Answer::Raw(answer));
        assert_eq!(why(run(&["plugin", "update"])), expected);
    }
    project.assert_nothing_left();
}

#[test]
fn who_cannot_be_trusted_is_not_asked_for_anything() {
    let project = Project::new();
    let Some(authority) = Authority::new(&project) else { return };
    let servers = ["good", "other", "old"].map(|name| Server::new(&authority.0, name));
    let add = |server: &Server| {
        project.write(".git/HEAD", "").config("[stages.a]\nrun = 'true'\n");
        project.local_ci(&["plugin", "add", &server.url("127.0.0.1")])
    };
    let cert = authority.0.join("ca.pem");
    assert_eq!(
        why(add(&servers[0]).output()),
        "nobody who is trusted says that this is the host; where an authority of your own does, SSL_CERT_FILE names a file \
         with its certificate"
    );
    assert_eq!(
        why(add(&servers[1]).env("SSL_CERT_FILE", &cert).output()),
        "who answers has the certificate of another host"
    );
    assert_eq!(
        why(add(&servers[2]).env("SSL_CERT_FILE", &cert).output()),
        "the certificate of the host has expired, or the clock here is wrong"
    );
    assert!(servers.iter().all(|server| server.asked().is_empty()));
    let absent = add(&servers[0]).env("SSL_CERT_FILE", authority.0.join("absent.pem")).output();
    assert!(why(absent).contains("absent.pem, which cannot be read: No such file or directory"));
    project.assert_nothing_left();
}

/// The proxy of the environment leads there, and not to hosts that are excepted.
#[test]
fn a_proxy_is_gone_through_where_the_environment_names_one() {
    let project = Project::new();
    let Some(authority) = Authority::new(&project) else { return };
    let server = Server::new(&authority.0, "good");
    project.write(".git/HEAD", "").config("[stages.a]\nrun = 'true'\n").expects("local-ci.lock");
    server.answers(Answer::Bytes(component("ours")));
    let proxy = format!("http://127.0.0.1:{}", server.port);
    let url = "https://example.invalid/sample.wasm";
    let add = |without: &str| {
        let add = authority.trusted(&project, &["plugin", "add", url]);
        add.env("https_proxy", &proxy).env("NO_PROXY", without).output()
    };
    assert!(why(add("localhost,.invalid")).starts_with("the host cannot be found"));
    add("localhost").assert_code(0);
    let asked: Vec<String> = server.asked().into_iter().map(|(first, _)| first).collect();
    assert_eq!(asked, ["CONNECT example.invalid:443 HTTP/1.1", "GET /sample.wasm HTTP/1.1"]);
    project.assert_nothing_left();
}
