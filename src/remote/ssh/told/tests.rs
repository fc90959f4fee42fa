//! What ssh (OpenSSH 9.2) has said of each fault, recorded against an sshd of the test's own, and what is made of it.

use super::*;
use crate::pipeline::remote::Destination;

/// A hint that names the user's config names the one that was read.
#[test]
fn a_hint_names_the_config_that_ssh_has_read() {
    let destination = Destination { user: None, host: "box.example.invalid".into(), port: None };
    let said = "ssh: connect to host box.example.invalid port 22: Connection refused\r\n";
    let fault = fault(&Whom { destination, config: Some("/etc/ours".into()) }, said);
    assert_eq!(fault.cures, ["check the port (`port` of the remote, or Port in /etc/ours), and that sshd runs there"]);
}

fn told(text: &str) -> Fault {
    let destination = Destination { user: Some("ci".into()), host: "box.example.invalid".into(), port: None };
    fault(&Whom { destination, config: None }, text)
}

/// H129: the whole of what ssh says of the keys, and no word of trusting the new one unseen.
#[test]
fn h129_a_changed_key_is_shown_and_refused() {
    let fault = told(
        "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\n\
         @    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n\
         @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\n\
         IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r\n\
         Someone could be eavesdropping on you right now (man-in-the-middle attack)!\r\n\
         It is also possible that a host key has just been changed.\r\n\
         The fingerprint for the ED25519 key sent by the remote host is\nSHA256:SlxnSRZzp8uZunPCakx+VHX1oKidp8dB58d5eYdQ5C4.\r\n\
         Please contact your system administrator.\r\n\
         Add correct host key in /home/u/.ssh/known_hosts to get rid of this message.\r\n\
         Offending ED25519 key in /home/u/.ssh/known_hosts:1\r\n  remove with:\r\n\
         \u{20} ssh-keygen -f \"/home/u/.ssh/known_hosts\" -R \"[127.0.0.1]:4022\"\r\n\
         Host key for [127.0.0.1]:4022 has changed and you have requested strict checking.\r\n\
         Host key verification failed.\r\n",
    );
    assert_eq!(fault.kind, FaultKind::HostKeyChanged);
    insta::assert_snapshot!(fault, @r#"
    ci@box.example.invalid: its host key is another one than it was: the machine was made anew, or somebody stands in between
      | IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
      | Someone could be eavesdropping on you right now (man-in-the-middle attack)!
      | It is also possible that a host key has just been changed.
      | The fingerprint for the ED25519 key sent by the remote host is
      | SHA256:SlxnSRZzp8uZunPCakx+VHX1oKidp8dB58d5eYdQ5C4.
      | Please contact your system administrator.
      | Add correct host key in /home/u/.ssh/known_hosts to get rid of this message.
      | Offending ED25519 key in /home/u/.ssh/known_hosts:1
      | remove with:
      | ssh-keygen -f "/home/u/.ssh/known_hosts" -R "[127.0.0.1]:4022"
      | Host key for [127.0.0.1]:4022 has changed and you have requested strict checking.
      | Host key verification failed.
      try: ask whoever runs the machine for its fingerprint, and compare
      try: only if it is the same: ssh-keygen -f "/home/u/.ssh/known_hosts" -R "[127.0.0.1]:4022", then `ssh ci@box.example.invalid` once by hand
    "#);
    // Without Debian's help the command is made from the rest.
    let fault = told(
        "REMOTE HOST IDENTIFICATION HAS CHANGED\nAdd correct host key in /k to get rid of this message.\n\
         Host key for box has changed and you have requested strict checking.\n",
    );
    assert!(fault.cures[1].contains("ssh-keygen -f \"/k\" -R \"box\""), "{fault}");
}

#[test]
fn h129_an_unknown_key_is_for_a_person_to_trust() {
    let fault = told("Host key verification failed.\r\n");
    assert_eq!(fault.kind, FaultKind::HostKeyUnknown);
    insta::assert_snapshot!(fault, @r"
    ci@box.example.invalid: its host key is not known here yet, and nobody is asked whether to trust it
      try: `ssh ci@box.example.invalid` once by hand, and compare the fingerprint that it shows
    ");
}

#[test]
fn keys_that_are_not_taken() {
    let texts = [
        "root@127.0.0.1: Permission denied (publickey).\r\n",
        "root@127.0.0.1: Permission denied (password,keyboard-interactive).\r\n",
        "Received disconnect from 127.0.0.1 port 4022:2: Too many authentication failures\r\n\
         Disconnected from 127.0.0.1 port 4022\r\n",
        "sign_and_send_pubkey: signing failed for ED25519 \"a key\" from agent: agent refused operation\r\n\
         root@127.0.0.1: Permission denied (publickey).\r\n",
        "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\n@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @\r\n\
         @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\nPermissions 0644 for '/home/u/.ssh/id' are too open.\r\n\
         It is required that your private key files are NOT accessible by others.\r\nThis private key will be ignored.\r\n\
         Load key \"/home/u/.ssh/id\": bad permissions\r\nroot@127.0.0.1: Permission denied (publickey).\r\n",
    ];
    let faults: Vec<Fault> = texts.iter().map(|text| told(text)).collect();
    assert!(faults.iter().all(|fault| fault.kind == FaultKind::Auth), "{faults:?}");
    insta::assert_snapshot!(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"), @r#"
    ci@box.example.invalid: it does not let you in with the keys that ssh has here (it takes: publickey)
      try: `ssh-copy-id ci@box.example.invalid`, which asks for the password once
      try: check whose account it is: `ssh ci@box.example.invalid` with -v shows which keys are offered
    ci@box.example.invalid: it does not let you in with the keys that ssh has here (it takes: password,keyboard-interactive)
      try: it takes no keys: have whoever runs it allow PubkeyAuthentication for this user
    ci@box.example.invalid: it was offered so many keys that it hung up before the right one
      try: name the key for this host in ~/.ssh/config: IdentityFile …, with IdentitiesOnly yes
    ci@box.example.invalid: the agent that has the key does not use it: sign_and_send_pubkey: signing failed for ED25519 "a key" from agent: agent refused operation
      try: unlock the agent or the token, which nobody can be asked to confirm; `ssh-add -l` lists what it has
    ci@box.example.invalid: ssh does not use /home/u/.ssh/id: others may read it
      try: chmod 600 /home/u/.ssh/id
    "#);
}

#[test]
fn ways_that_lead_nowhere() {
    let texts = [
        (FaultKind::Unresolved, "ssh: Could not resolve hostname box.example.invalid: Name or service not known\r\n"),
        (
            FaultKind::Unresolved,
            "ssh: Could not resolve hostname jump.example.invalid: Name or service not known\r\n\
             kex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535\r\n",
        ),
        (FaultKind::Refused, "ssh: connect to host 127.0.0.1 port 1: Connection refused\r\n"),
        (FaultKind::Unreachable, "ssh: connect to host 127.0.0.1 port 22: No route to host\r\n"),
        (FaultKind::Unreachable, "ssh: connect to host 127.0.0.1 port 22: Connection timed out\r\n"),
        (
            FaultKind::Unreachable,
            "Connection timed out during banner exchange\r\nConnection to 127.0.0.1 port 22 timed out\r\n",
        ),
        (FaultKind::Unreachable, "Timeout, server 127.0.0.1 not responding.\r\n"),
        (
            FaultKind::Unreachable,
            "channel 0: open failed: connect failed: Connection refused\r\nstdio forwarding failed\r\n\
             kex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535\r\n",
        ),
        (
            FaultKind::Unreachable,
            "/bin/bash: line 1: exec: no-such-program: not found\r\n\
             kex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535\r\n",
        ),
        (FaultKind::Unreachable, "kex_exchange_identification: read: Connection reset by peer\r\n"),
        (
            FaultKind::Unreachable,
            "\"System is booting up. Unprivileged users are not permitted to log in yet.\"\r\nConnection closed by 127.0.0.1 port 22\r\n",
        ),
        (FaultKind::Unreachable, ""),
        (FaultKind::Unreachable, "words that nobody has heard\u{1b}[2J\r\n"),
    ];
    let mut told_of = Vec::new();
    for (kind, text) in texts {
        let fault = told(text);
        assert_eq!(fault.kind, kind, "{text}: {fault}");
        assert!(fault.kind.may_pass() && fault.message.contains("ci@box.example.invalid"), "{fault}");
        told_of.push(fault.to_string());
    }
    insta::assert_snapshot!(told_of.join("\n"), @r#"
    ci@box.example.invalid: no such host: its name leads nowhere
      try: check the name, and that the network is up (VPN?)
    ci@box.example.invalid: ssh's config leads to jump.example.invalid, which leads nowhere
      try: check the name, and that the network is up (VPN?)
    ci@box.example.invalid: nobody answers at 127.0.0.1 port 1: the connection was refused
      try: check the port (`port` of the remote, or Port in ~/.ssh/config), and that sshd runs there
    ci@box.example.invalid: no answer: ssh: connect to host 127.0.0.1 port 22: No route to host
      try: check that the machine is up, and that no firewall or missing VPN is in the way
    ci@box.example.invalid: no answer: ssh: connect to host 127.0.0.1 port 22: Connection timed out
      try: check that the machine is up, and that no firewall or missing VPN is in the way
    ci@box.example.invalid: no answer: Connection to 127.0.0.1 port 22 timed out
      try: check that the machine is up, and that no firewall or missing VPN is in the way
    ci@box.example.invalid: no answer: Timeout, server 127.0.0.1 not responding.
      try: check that the machine is up, and that no firewall or missing VPN is in the way
    ci@box.example.invalid: the jump host cannot get there: channel 0: open failed: connect failed: Connection refused
      try: `ssh ci@box.example.invalid` with -v shows how far it gets
      try: look at ProxyJump and HostName in ~/.ssh/config, and at AllowTcpForwarding on the jump host
    ci@box.example.invalid: the connection was closed before it was made: /bin/bash: line 1: exec: no-such-program: not found
      try: `ssh ci@box.example.invalid` with -v shows how far it gets; with ProxyCommand or ProxyJump, try that alone
      try: where it comes and goes, too many connect at once (MaxStartups), or somebody is locked out (fail2ban)
    ci@box.example.invalid: the connection was closed before it was made: kex_exchange_identification: read: Connection reset by peer
      try: `ssh ci@box.example.invalid` with -v shows how far it gets; with ProxyCommand or ProxyJump, try that alone
      try: where it comes and goes, too many connect at once (MaxStartups), or somebody is locked out (fail2ban)
    ci@box.example.invalid: it lets nobody in now: "System is booting up. Unprivileged users are not permitted to log in yet."
    ci@box.example.invalid: ssh made no connection: ssh said nothing
      try: `ssh ci@box.example.invalid` by hand
    ci@box.example.invalid: ssh made no connection: words that nobody has heard\u{1b}[2J
      try: `ssh ci@box.example.invalid` by hand
    "#);
}

#[test]
fn programs_that_do_not_go_together() {
    let texts = [
        (
            FaultKind::Unsupported,
            "Unable to negotiate with 127.0.0.1 port 4022: no matching host key type found. Their offer: ssh-ed25519\r\n",
        ),
        (
            FaultKind::Unsupported,
            "/c: line 1: Bad configuration option: hots\r\n/c: terminating, 1 bad configuration options\r\n",
        ),
        (FaultKind::Unsupported, "Can't open user config file /c: No such file or directory\r\n"),
        (FaultKind::Unsupported, "Bad owner or permissions on /home/u/.ssh/config\r\n"),
        (
            FaultKind::Protocol,
            "kex_exchange_identification: No SSH version received in first 1024 lines from server\r\n\
             banner exchange: Connection to 127.0.0.1 port 4023: invalid format\r\n",
        ),
        (FaultKind::Unsupported, "hostname contains invalid characters\r\n"),
        (FaultKind::Directory, "unix_listener: path \"/x.nCwHNT7vfDvuQz9Y\" too long for Unix domain socket\r\n"),
    ];
    let mut told_of = Vec::new();
    for (kind, text) in texts {
        let fault = told(text);
        assert_eq!((fault.kind, fault.kind.may_pass()), (kind, false), "{text}: {fault}");
        told_of.push(fault.to_string());
    }
    insta::assert_snapshot!(told_of.join("\n"), @r#"
    ci@box.example.invalid: this ssh and that sshd have no algorithm in common: Unable to negotiate with 127.0.0.1 port 4022: no matching host key type found. Their offer: ssh-ed25519
      try: bring the older of the two up to date, or allow what it offers for this host in ~/.ssh/config
    ci@box.example.invalid: ssh does not take its config: /c: line 1: Bad configuration option: hots
      try: mend that file; `ssh -G ci@box.example.invalid` says whether it is well
    ci@box.example.invalid: ssh does not take its config: Can't open user config file /c: No such file or directory
      try: mend that file; `ssh -G ci@box.example.invalid` says whether it is well
    ci@box.example.invalid: ssh does not take its config: Bad owner or permissions on /home/u/.ssh/config
      try: mend that file; `ssh -G ci@box.example.invalid` says whether it is well
    ci@box.example.invalid: what answers there is no ssh: banner exchange: Connection to 127.0.0.1 port 4023: invalid format
      try: check the port (`port` of the remote, or Port in ~/.ssh/config)
    ci@box.example.invalid: no host and no user is called that: hostname contains invalid characters
    ci@box.example.invalid: ssh cannot make its socket: unix_listener: path "/x.nCwHNT7vfDvuQz9Y" too long for Unix domain socket
    "#);
}
