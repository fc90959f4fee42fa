//! Who else is there: other runs, other people, and stages that look at what is none of their business.

use std::fs;

use local_ci::outcome::Exit;

use crate::conformance::backend::{Backend, Seen, Stage};
use crate::conformance::elsewhere::Ssh;
use crate::support::{Setup, wait_until};

/// H136, H137: what lies where a verdict will be, and is not the wrapper's own and whole, decides nothing.
pub(crate) fn a_planted_verdict_decides_nothing(at: &Ssh) {
    let plant = "for dir in \"${XDG_STATE_HOME:-$HOME/.local/state}\"/local-ci/*/runs/*/s.1; do\n\
                 echo planted >>\"$SIDE/planted\"\n\
                 for text in '' 0 'exit 0' 'code 0 0'; do printf '%s\\n' \"$text\" >\"$dir/verdict\"; sleep 0.3; done\n\
                 done; echo done; exit 5";
    let seen = at.run_one(Stage::new(plant));
    assert_eq!(fs::read_to_string(at.project().side("planted")).unwrap(), "planted\n", "it found no directory");
    seen.assert("failed", Exit::Code(5));
    assert_eq!(seen.text(), "done\n");
    at.assert_nothing_left();
}

/// H141: what a project keeps to itself stays here.
pub(crate) fn secrets_stay_here(at: &Ssh) {
    for name in [".env", ".env.local", "sub/.env.production", "ignored.key"] {
        at.project().write(name, "SECRET=1\n");
    }
    at.project().write(".gitignore", "*.key\n").write("sub/sent", "text\n");
    let seen = at.run_one(Stage::new("find . -name .git -prune -o -type f -print | sort"));
    seen.assert("passed", Exit::Code(0));
    assert_eq!(seen.text(), "./.gitignore\n./local-ci.toml\n./sub/sent\n");
    at.assert_nothing_left();
}

/// H147: a socket's name is short, however long the names of directories are.
pub(crate) fn directories_here_may_have_long_names() {
    let Some(mut at) = Ssh::new() else { return };
    let long = at.product.project.side(&"long".repeat(40));
    fs::create_dir(&long).unwrap();
    for name in ["XDG_RUNTIME_DIR", "HOME", "TMPDIR"] {
        at.product.env.push((name.into(), long.clone()));
    }
    at.run_one(Stage::new("echo it works")).assert("passed", Exit::Code(0));
    at.assert_nothing_left();
}

/// Runs of one project, and of another, share a machine and the connection to it, which takes ten sessions and not more.
pub(crate) fn many_runs_share_a_machine(at: &Ssh) {
    let count = 6;
    let stages: Vec<_> = (1..=count)
        .map(|n| {
            let run = format!(
                "echo x >>\"$SIDE/starts{n}\"; chaos touch \"$SIDE/up{n}\"; chaos wait-for \"$SIDE/go\"; echo s{n}"
            );
            Stage::new(run).named(format!("s{n}"))
        })
        .collect();
    at.product.configure(&stages);
    for stage in &stages {
        at.run_there(&["-d", &stage.name]).output().assert_code(0);
    }
    for n in 1..=count {
        wait_until(&format!("run {n} to run"), || at.project().side(&format!("up{n}")).exists());
    }
    at.project().open_gate("go");
    for (number, stage) in (1..).zip(&stages) {
        at.product.local_ci(&["await", &number.to_string()]).output().assert_code(0);
        let seen = at.product.seen(number, &[&stage.name], "").remove(0);
        seen.assert("passed", Exit::Code(0));
        assert_eq!(seen.text(), format!("{}\n", stage.name));
        assert_eq!(fs::read_to_string(at.project().side(&format!("starts{number}"))).unwrap(), "x\n");
    }
    at.assert_nothing_left();
}

/// A server that takes few sessions on one connection: it works all the same, or it is said, and no stage is blamed.
pub(crate) fn a_machine_may_take_few_sessions() {
    for sessions in [2, 1] {
        let Some(at) = Ssh::with(Setup::default().line(&format!("MaxSessions {sessions}"))) else { return };
        at.product.configure(&[Stage::new("chaos touch \"$SIDE/it-ran\"; echo it works")]);
        let finished = at.run_there(&[]).output();
        match finished.status.code() {
            Some(0) => assert!(finished.stdout().contains("it works\n"), "{}", finished.transcript()),
            Some(3) => {
                let said = finished.stdout() + &finished.stderr();
                assert!(said.contains("box") && said.contains("session"), "{}", finished.transcript());
            }
            code => panic!("{code:?} with {sessions} sessions\n{}", finished.transcript()),
        }
        at.assert_nothing_left();
    }
}

/// Needs go across machines, and so does what a stage makes for another.
pub(crate) fn a_pipeline_goes_there_and_back(at: &Ssh) {
    at.project().config(
        "[remotes.box]\nhost = \"box\"\n\
         [stages.made-here]\nrun = \"mkdir -p out && echo here >out/a\"\noutputs = [\"out/a\"]\n\
         [stages.made-there]\non = \"box\"\nneeds = [\"made-here\"]\nrun = \"cat out/a && echo there >out/b\"\noutputs = [\"out/b\"]\n\
         [stages.used-here]\nneeds = [\"made-there\"]\nrun = \"cat out/a out/b\"\n",
    );
    for made in ["out", "out/a", "out/b"] {
        at.project().expects(made);
    }
    let finished = at.product.local_ci(&["run", "-j1"]).output().assert_code(0);
    let number = at.product.count_run();
    let seen = at.product.seen(number, &["made-here", "made-there", "used-here"], &finished.transcript());
    let texts: Vec<_> = seen.iter().map(Seen::text).collect();
    assert_eq!(texts, ["", "here\n", "here\nthere\n"], "{}", finished.transcript());
    at.assert_nothing_left();
}
