//! What is left of a server: no ready file and no stream.

use std::process::{Command, Stdio};

use crate::program::Program;
use crate::support::run;

#[test]
fn the_ready_file_is_gone_when_the_server_is() {
    run(async {
        let mut program = Program::start(&[]).await;
        assert!(program.path("ready").exists());
        assert_eq!(program.end(), Some(0));
        assert!(!program.path("ready").exists());
    });
}

#[test]
fn a_server_that_cannot_listen_leaves_no_ready_file_of_an_earlier_one() {
    run(async {
        let program = Program::start(&[]).await;
        let stale = program.path("stale");
        std::fs::write(&stale, "http://127.0.0.1:1\n").expect("a file");
        let status = Command::new(env!("CARGO_BIN_EXE_streamgauge"))
            .args(["serve", "--listen", &program.address().to_string()])
            .arg("--ready-file")
            .arg(&stale)
            .stderr(Stdio::null())
            .status()
            .expect("the program runs");
        assert!(!status.success(), "the address is taken");
        assert!(!stale.exists());
    });
}

#[test]
fn a_server_that_is_started_again_has_nothing_of_before() {
    run(async {
        let mut program = Program::start(&[]).await;
        let create = r#"{"StreamName":"s","ShardCount":1}"#;
        program.served().done("CreateStream", create).await;
        assert_eq!(program.end(), Some(0));
        let again = Program::start(&[]).await;
        let listed = again.served().done("ListStreams", "{}").await;
        assert_eq!(listed.list("StreamNames").len(), 0);
    });
}
