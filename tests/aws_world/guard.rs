//! Whose account, which region.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use super::world::{ACCOUNT, REGION, SECRET, World};

#[test]
fn credentials_of_another_account_are_refused_before_anything_is_created() {
    let world = World::new();
    let ended = world.streamgauge(&["run", "rehearsal.toml", "--target", "theirs"]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    for part in [ACCOUNT, "999999999999", "user/tester"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert!(world.streams().is_empty());
    assert!(world.results().is_empty());
    let ended = world.streamgauge(&["sweep", "--target", "theirs", "--yes"]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
}

/// A server that answers for another region than it is asked for: everything passes, the region's name is changed.
fn elsewhere(url: &str) -> String {
    let server = url.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(upstream) = TcpStream::connect(&server) else {
                return;
            };
            let (from, to) = (client.try_clone(), upstream.try_clone());
            let (from, to) = (from.expect("a socket"), to.expect("a socket"));
            thread::spawn(move || pass(from, to, |_| {}));
            thread::spawn(move || {
                pass(upstream, client, |bytes| {
                    let region = REGION.as_bytes();
                    for at in 0..bytes.len().saturating_sub(region.len() - 1) {
                        if bytes[at..].starts_with(region) {
                            bytes[at..at + region.len()].copy_from_slice(b"us-east-2");
                        }
                    }
                });
            });
        }
    });
    format!("http://{address}")
}

fn pass(mut from: TcpStream, mut to: TcpStream, change: fn(&mut [u8])) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        change(&mut buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn a_service_of_another_region_is_refused_before_anything_is_created() {
    let world = World::new();
    world.create("bystander", &[]);
    world.targets(&elsewhere(&world.url));
    let ended = world.run(&[]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("us-east-2"), "{}", ended.stderr);
    assert_eq!(world.streams(), ["bystander"]);
    assert!(world.results().is_empty());
}

#[test]
fn a_stream_that_comes_to_be_in_another_region_is_taken_away_again() {
    let world = World::new();
    // Nothing is there whose ARN could have told before.
    world.targets(&elsewhere(&world.url));
    let ended = world.run(&[]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("us-east-2"), "{}", ended.stderr);
    assert!(world.streams().is_empty());
}

#[test]
fn a_target_without_an_account_says_what_to_write() {
    let world = World::new();
    let text = format!("[targets.mine]\nkind = \"aws\"\nregion = \"{REGION}\"\n");
    std::fs::write(world.path().join("streamgauge.toml"), text).expect("a file is written");
    let ended = world.run(&[]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("account"), "{}", ended.stderr);
}

#[test]
fn a_report_names_the_account_and_its_streams_and_no_file_holds_a_secret() {
    let world = World::new();
    let ended = world.run(&[]);
    let report = world.result("report.json");
    let aws = &report["aws"];
    assert_eq!(report["world"], "aws");
    assert_eq!(
        (&aws["account"], &aws["region"]),
        (&ACCOUNT.into(), &REGION.into())
    );
    assert_eq!(aws["caller"], format!("arn:aws:iam::{ACCOUNT}:user/tester"));
    let run = aws["run"].as_str().expect("the run has a number");
    let arn = World::arn(&format!("streamgauge-rehearsal-{run}"));
    assert_eq!(aws["streams"]["orders"], arn);
    assert!(ended.stderr.contains(&arn), "{}", ended.stderr);
    // The scenario's own name of the stream is what figures go by.
    assert!(report["balance"]["orders"].is_object());
    assert_eq!(report["ledger"]["producers"]["web"]["total"]["acked"], 200);
    let folder = world.results().pop().expect("there are results");
    for entry in std::fs::read_dir(folder).expect("the folder is read") {
        let path = entry.expect("an entry").path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
        for secret in [SECRET, "AKID", "aws_secret", "Signature="] {
            assert!(!text.contains(secret), "{secret} in {}", path.display());
        }
    }
    assert!(!ended.stderr.contains(SECRET) && !ended.stdout.contains(SECRET));
    assert!(world.streams().is_empty());
}

#[test]
fn a_target_without_a_url_is_refused_when_the_environment_leads_elsewhere() {
    let world = World::new();
    let text =
        format!("[targets.mine]\nkind = \"aws\"\nregion = \"{REGION}\"\naccount = \"{ACCOUNT}\"\n");
    std::fs::write(world.path().join("streamgauge.toml"), text).expect("a file is written");
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KINESIS"] {
        let mut program = world.program(&["run", "rehearsal.toml", "--quiet", "--target", "mine"]);
        let output = program.env(name, &world.url).output();
        let output = output.expect("the program starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{stderr}");
        assert!(stderr.contains(&format!("{name} leads to")), "{stderr}");
    }
    assert!(world.streams().is_empty() && world.results().is_empty());
}

#[test]
fn a_rehearsal_is_not_called_amazon_kinesis() {
    let world = World::new();
    let ended = world.run(&[]);
    let told = format!("measured in a rehearsal of AWS at {}", world.url);
    assert!(ended.stdout.contains(&told), "{}", ended.stdout);
    assert!(
        !ended.stdout.contains("on Amazon Kinesis"),
        "{}",
        ended.stdout
    );
}
