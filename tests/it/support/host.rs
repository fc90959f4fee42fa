//! Another machine, which is this one: an sshd of the test's own on 127.0.0.1, with keys, a home directory, a login shell
//! and a `PATH` of its own.
//!
//! ```text
//!  local-ci ── ssh -F ssh_config box ──▶ [Line] ──▶ sshd 127.0.0.1:port ──▶ login shell, HOME=side/there/home
//! ```

use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Signal, getuid};

use super::processes::{self, Identity, children_of};
use super::project::Project;
use super::strace::skip;
use super::wait::wait_until;

/// What the host is called by the config of ssh.
pub(crate) const NAME: &str = "box";
/// Under which name its key is known.
const KEY_NAME: &str = "box.example.invalid";
/// What sshd says once it can be connected to.
const LISTENS: &str = "Server listening on ";

/// How a host is made.
#[derive(Clone, Default)]
pub(crate) struct Setup {
    /// What is run instead of the command asked for, which it finds as `SSH_ORIGINAL_COMMAND`.
    forced: Option<String>,
    profile: String,
    rc: String,
    without: Vec<String>,
    boot: Option<String>,
    env: Vec<(String, String)>,
    lines: String,
}

impl Setup {
    /// Has this as the login shell, whoever's it is: a name, found on the path.
    pub(crate) fn shell(mut self, shell: &str) -> Self {
        self.forced = Some(format!("exec {shell} -c \"$SSH_ORIGINAL_COMMAND\""));
        self
    }

    /// Runs this whatever is asked for.
    pub(crate) fn force(mut self, command: &str) -> Self {
        self.forced = Some(command.to_owned());
        self
    }

    /// More lines for `~/.profile`.
    pub(crate) fn profile(mut self, text: &str) -> Self {
        self.profile.push_str(text);
        self
    }

    /// More lines for `~/.bashrc` and `~/.cshrc`.
    pub(crate) fn rc(mut self, text: &str) -> Self {
        self.rc.push_str(text);
        self
    }

    /// Has none of these programs.
    pub(crate) fn without(mut self, programs: &[&str]) -> Self {
        self.without.extend(programs.iter().map(|&program| program.to_owned()));
        self
    }

    /// Says that this is the boot it runs since. Root alone can have that.
    pub(crate) fn boot(mut self, id: &str) -> Self {
        self.boot = Some(id.to_owned());
        self
    }

    /// A variable of every session.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// More lines for `sshd_config`.
    pub(crate) fn line(mut self, line: &str) -> Self {
        let _ = writeln!(self.lines, "{line}");
        self
    }

    /// Starts it; none, with a line that says so, where there is no sshd to start.
    pub(crate) fn start(self, project: &Project) -> Option<Host> {
        let sshd = program()?;
        let dir = project.side("there");
        let home = dir.join("home");
        fs::create_dir_all(&home).unwrap();
        fs::set_permissions(&dir, Permissions::from_mode(0o700)).unwrap();
        if getuid().is_root() {
            // What a start by an init makes; where it is not, sshd does not start.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        for key in ["host_key", "user_key"] {
            make_key(&dir.join(key));
        }
        fs::copy(dir.join("user_key.pub"), dir.join("authorized_keys")).unwrap();
        let mut host = Host { dir, home, port: free_port(), sshd, running: None, setup: self, namespace: None };
        host.trust();
        host.furnish();
        host.address("127.0.0.1", host.port);
        host.up();
        Some(host)
    }
}

/// A machine that runs for as long as this lives.
pub(crate) struct Host {
    dir: PathBuf,
    home: PathBuf,
    port: u16,
    sshd: PathBuf,
    running: Option<Child>,
    setup: Setup,
    /// Listens there instead: a name of `ip netns`, and an address in it.
    namespace: Option<(String, String)>,
}

impl Host {
    /// What the program is to pass to ssh as its config.
    pub(crate) fn ssh_config(&self) -> PathBuf {
        self.dir.join("ssh_config")
    }

    /// The home directory there.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Where the program keeps what it has there.
    pub(crate) fn state(&self) -> PathBuf {
        self.home.join(".local/state/local-ci")
    }

    /// What sshd had to say.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.join("sshd.log")).unwrap_or_default()
    }

    /// Changes how it is made; holds from the next [`Self::up`] on.
    pub(crate) fn change(&mut self, change: impl FnOnce(Setup) -> Setup) {
        self.setup = change(std::mem::take(&mut self.setup));
        self.furnish();
    }

    /// Gives it another key, of which nobody knows.
    pub(crate) fn change_key(&self) {
        make_key(&self.dir.join("host_key"));
    }

    /// Has this address be where ssh looks for it: that of what stands between.
    pub(crate) fn address(&self, host: &str, port: u16) {
        let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
        let config = format!(
            "Host {NAME}\n  HostName {host}\n  Port {port}\n  User {}\n  HostKeyAlias {KEY_NAME}\n  IdentitiesOnly yes\n  \
             IdentityFile {dir}/user_key\n  UserKnownHostsFile {dir}/known_hosts\n  GlobalKnownHostsFile /dev/null\n",
            user.trim(),
            dir = self.dir.display()
        );
        fs::write(self.ssh_config(), config).unwrap();
    }

    /// Has it listen in a namespace of the network instead, at this address of that.
    pub(crate) fn move_to(&mut self, namespace: &str, address: &str) {
        self.down();
        self.namespace = Some((namespace.to_owned(), address.to_owned()));
        self.address(address, self.port);
        self.up();
    }

    /// Lets the key be known that it has now.
    pub(crate) fn trust(&self) {
        let key = fs::read_to_string(self.dir.join("host_key.pub")).unwrap();
        fs::write(self.dir.join("known_hosts"), format!("{KEY_NAME} {key}")).unwrap();
    }

    /// Lets no key be known.
    pub(crate) fn forget(&self) {
        fs::write(self.dir.join("known_hosts"), "").unwrap();
    }

    /// Writes what a session finds at home.
    fn furnish(&self) {
        let path = self.path();
        let profile = format!("PATH='{}'\nexport PATH\n{}", path, self.setup.profile);
        fs::write(self.home.join(".profile"), profile).unwrap();
        for rc in [".bashrc", ".cshrc"] {
            fs::write(self.home.join(rc), &self.setup.rc).unwrap();
        }
        let fish = self.home.join(".config/fish");
        fs::create_dir_all(&fish).unwrap();
        fs::write(fish.join("config.fish"), &self.setup.rc).unwrap();
    }

    /// The path there: our helper, and what this machine has but for what it is to be without.
    fn path(&self) -> String {
        let bin = Path::new(env!("CARGO_BIN_EXE_chaos")).parent().unwrap();
        let own = std::env::var_os("PATH").unwrap_or_default();
        let mut dirs = vec![self.dir.join("bin"), bin.to_owned()];
        fs::create_dir_all(&dirs[0]).unwrap();
        if self.setup.without.is_empty() {
            dirs.extend(std::env::split_paths(&own));
        } else {
            let farm = self.dir.join("programs");
            let _ = fs::remove_dir_all(&farm);
            fs::create_dir_all(&farm).unwrap();
            for dir in std::env::split_paths(&own) {
                for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
                    let name = entry.file_name();
                    if !self.setup.without.iter().any(|without| name == without.as_str()) {
                        // The first of a name is the one that is found.
                        let _ = symlink(entry.path(), farm.join(name));
                    }
                }
            }
            dirs.push(farm);
        }
        std::env::join_paths(dirs).unwrap().into_string().unwrap()
    }

    /// A directory that is first on the path there.
    pub(crate) fn bin(&self) -> PathBuf {
        self.dir.join("bin")
    }

    fn config(&self) -> String {
        let address = self.namespace.as_ref().map_or("127.0.0.1", |(_, address)| address);
        let dir = self.dir.display();
        // Of a key that stands twice, the first holds.
        let mut config = self.setup.lines.clone();
        let _ = write!(
            config,
            "ListenAddress {address}\nPort {}\nHostKey {dir}/host_key\nAuthorizedKeysFile {dir}/authorized_keys\nPidFile none\n\
             UsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
             MaxSessions 10\nLogLevel VERBOSE\nPrintMotd no\nPrintLastLog no\nSubsystem sftp internal-sftp\n",
            self.port
        );
        let mut env = vec![format!("\"HOME={}\"", self.home.display()), format!("\"PATH={}\"", self.path())];
        env.push(format!("\"TMUX_TMPDIR={}\"", self.dir.display()));
        env.extend(self.setup.env.iter().map(|(name, value)| format!("\"{name}={value}\"")));
        let _ = writeln!(config, "SetEnv {}", env.join(" "));
        if let Some(forced) = &self.setup.forced {
            let _ = writeln!(config, "ForceCommand {forced}");
        }
        config
    }

    /// Starts its server, if it does not run.
    #[track_caller]
    pub(crate) fn up(&mut self) {
        if self.running.is_some() {
            return;
        }
        fs::write(self.dir.join("sshd_config"), self.config()).unwrap();
        let mut words: Vec<String> = Vec::new();
        if let Some((namespace, _)) = &self.namespace {
            words.extend(["ip", "netns", "exec", namespace].map(str::to_owned));
        }
        if let Some(boot) = &self.setup.boot {
            let file = self.dir.join("boot_id");
            fs::write(&file, format!("{boot}\n")).unwrap();
            let mount = "mount --bind \"$0\" /proc/sys/kernel/random/boot_id && exec \"$@\"";
            words.extend(["unshare", "-m", "sh", "-c", mount].map(str::to_owned));
            words.push(file.display().to_string());
        }
        let (program, config, log) = (self.sshd.display(), self.dir.join("sshd_config"), self.dir.join("sshd.log"));
        words.extend([program.to_string(), "-D".into(), "-f".into(), config.display().to_string()]);
        words.extend(["-E".into(), log.display().to_string()]);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
        let listened = self.log().matches(LISTENS).count();
        let said = File::options().append(true).create(true).open(&log).unwrap();
        self.running = Some(command.stderr(said).spawn().unwrap());
        if self.namespace.is_some() {
            // Nobody gets there from here, so its word has to do.
            wait_until("sshd to listen", || self.log().matches(LISTENS).count() > listened);
        } else {
            wait_until("sshd to answer", || answers(self.port));
        }
    }

    /// Every process of the server and of the sessions that hang on it.
    pub(crate) fn processes(&self) -> Vec<Identity> {
        self.running.as_ref().map_or_else(Vec::new, |child| descendants(child.id().try_into().unwrap()))
    }

    /// The servers' processes that hold a connection each: what dies when a line does.
    pub(crate) fn connections(&self) -> Vec<Identity> {
        let server = self.running.as_ref().map_or(0, |child| child.id().try_into().unwrap());
        children_of(server).into_iter().filter_map(Identity::of).filter(|child| child.is_alive()).collect()
    }

    /// tmux there, with these arguments, as somebody who is logged in there has it.
    pub(crate) fn tmux(&self, args: &[&str]) -> Output {
        let mut tmux = Command::new("tmux");
        tmux.args(["-L", "local-ci"]).args(args).env_remove("TMUX").env("TMUX_TMPDIR", &self.dir).stdin(Stdio::null());
        tmux.output().unwrap()
    }

    /// Ends the tmux there, if there is one, with all of its windows.
    pub(crate) fn end_tmux(&self) {
        if self.dir.join(format!("tmux-{}", getuid().as_raw())).exists() {
            self.tmux(&["kill-server"]);
        }
    }

    /// Kills all that runs there, as switching the machine off does.
    pub(crate) fn kill_all(&mut self) {
        self.down();
        processes::kill_all(&self.home);
    }

    /// Ends its server, with all connections, as a kernel does whose machine is switched off for the network.
    pub(crate) fn down(&mut self) {
        let processes = self.processes();
        if let Some(mut child) = self.running.take() {
            for process in processes {
                process.kill(Signal::KILL);
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let last: Vec<_> = log.lines().rev().take(30).collect();
            show(&last.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
        self.down();
        self.end_tmux();
    }
}

#[expect(clippy::print_stdout, reason = "the test's own output")]
fn show(log: &str) {
    println!("--- what sshd said last\n{log}");
}

/// A process and all below it.
fn descendants(pid: i32) -> Vec<Identity> {
    let below = children_of(pid).into_iter().flat_map(descendants);
    Identity::of(pid).into_iter().chain(below).collect()
}

/// sshd, if it is there; otherwise a line says that the test is skipped.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = dirs.map(|dir| dir.join("sshd")).find(|file| file.is_file());
    if found.is_none() {
        skip("skipped: sshd is not installed; apt-get install openssh-server");
    }
    // It starts itself anew for each connection and wants to be called by its whole name.
    found
}

/// A new key without a passphrase, in place of what was there.
fn make_key(file: &Path) {
    for old in [file.to_owned(), file.with_extension("pub")] {
        let _ = fs::remove_file(old);
    }
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
        .arg(file)
        .stdin(Stdio::null())
        .status();
    assert!(made.unwrap().success());
}

/// A port that nobody listens on now.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut hello = [0; 4];
    stream.read_exact(&mut hello).is_ok() && hello == *b"SSH-"
}
