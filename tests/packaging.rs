//! The Dockerfile and the release scripts, as far as a machine without images and other targets can hold them to it: every
//! command in them is one that there is, and does what it is there for.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use support::{program, signal, streamgauge, wait_for};

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(path).expect("it is in the repository")
}

/// The words of the JSON list at the end of the instruction's line.
fn words(dockerfile: &str, instruction: &str) -> Vec<String> {
    let line = dockerfile
        .lines()
        .find(|line| line.starts_with(instruction))
        .unwrap_or_else(|| panic!("no {instruction}"));
    let list = &line[line.find('[').expect("a list")..];
    serde_json::from_str(list).expect("a list of words")
}

#[test]
fn the_image_serves_by_default_and_its_health_check_tells_whether_it_does() {
    let dockerfile = file("Dockerfile");
    assert_eq!(words(&dockerfile, "ENTRYPOINT"), ["streamgauge"]);
    let mut serve = words(&dockerfile, "CMD");
    // The same command, on an address that only this test has.
    let listen = serve.iter().position(|word| word == "0.0.0.0:4567");
    serve[listen.expect("it listens for the host")] = "127.0.0.1:0".to_owned();
    let folder = tempfile::tempdir().expect("a folder");
    let ready = folder.path().join("url");
    let server = program()
        .args(&serve)
        .arg("--ready-file")
        .arg(&ready)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let url = wait_for("the server", || {
        fs::read_to_string(&ready)
            .ok()
            .filter(|url| !url.is_empty())
    });
    let port = url.trim().rsplit(':').next().expect("a port").to_owned();
    let mut check = words(&dockerfile, "HEALTHCHECK");
    for word in &mut check {
        *word = word.replace("4567", &port);
    }
    let healthy = || {
        let asked = Command::new(&check[0])
            .args(&check[1..])
            .stderr(Stdio::null())
            .status();
        asked.map(|status| status.success())
    };
    let is_healthy = healthy();
    signal(&server, Signal::TERM);
    let mut server = server;
    server.wait().expect("it ends");
    // Without bash on this machine there is nothing to tell; the image has it.
    if let Ok(is_healthy) = is_healthy {
        assert!(is_healthy);
        assert!(!healthy().expect("it ran before"));
    }
}

#[test]
fn the_image_is_of_the_rust_version_that_the_crate_needs_and_of_no_root_user() {
    let dockerfile = file("Dockerfile");
    let version = file("Cargo.toml")
        .lines()
        .find_map(|line| {
            line.strip_prefix("rust-version = \"")?
                .strip_suffix('"')
                .map(str::to_owned)
        })
        .expect("a version");
    assert!(
        dockerfile.contains(&format!("FROM rust:{version}-")),
        "{dockerfile}"
    );
    let user = dockerfile
        .lines()
        .find_map(|line| line.strip_prefix("USER "));
    assert!(user.is_some_and(|user| user != "0" && user != "root"));
    assert!(file("Cargo.toml").contains("[profile.dist]"));
}

#[test]
fn a_binary_that_needs_an_interpreter_is_not_called_static() {
    // Built for the tests, and linked as the machine's others are.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/is-static");
    let Ok(told) = Command::new(script)
        .arg(env!("CARGO_BIN_EXE_streamgauge"))
        .output()
    else {
        // No shell: nobody releases from such a machine.
        return;
    };
    let is_static = cfg!(target_feature = "crt-static");
    assert_eq!(told.status.success(), is_static, "{told:?}");
}

#[test]
fn the_readme_shows_commands_for_ci_that_there_are() {
    let readme = file("README.md");
    let start = readme.find("```yaml").expect("an example for CI");
    let block = &readme[start..];
    let block = &block[..block[7..].find("```").expect("its end") + 7];
    let commands: Vec<_> = block
        .lines()
        .filter_map(|line| line.split("streamgauge ").nth(1))
        .collect();
    assert!(commands.len() >= 3, "{block}");
    for command in commands {
        let words = command.split_whitespace().take_while(|word| *word != ">>");
        // Asked for help, a command line is read to its end and nothing is done.
        let ended = streamgauge(words.chain(["--help"]));
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (Some(0), ""),
            "{command}"
        );
    }
}
