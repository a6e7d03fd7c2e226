//! Limits from a file.

use std::process::Command;

use crate::program::Program;
use crate::support::run;

#[test]
fn a_file_changes_single_limits() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("limits.toml");
        let text = "base = \"off\"\nwrite_records = { per_s = 1, capacity = 3 }\n";
        std::fs::write(&file, text).expect("a file");
        let program = Program::start(&["--limits", &file.to_string_lossy()]).await;
        let server = program.served();
        server
            .done("CreateStream", r#"{"StreamName":"s","ShardCount":1}"#)
            .await;
        let entry = r#"{"PartitionKey":"k","Data":""}"#;
        let body = format!(
            r#"{{"StreamName":"s","Records":[{}]}}"#,
            [entry; 10].join(",")
        );
        let put = server.done("PutRecords", &body).await;
        // A second that passes meanwhile brings one more.
        let failed = put.i64("FailedRecordCount").expect("a count");
        assert!((5..=7).contains(&failed), "{failed}");
    });
}

#[test]
fn what_is_wrong_with_the_file_is_told_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("limits.toml");
    std::fs::write(&file, "shards = 9\nwrite_record = \"off\"\n").expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_streamgauge"))
        .args(["serve", "--limits"])
        .arg(&file)
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("limits.toml:2:1"), "{text}");
    assert!(
        text.contains("write_records"),
        "it says what was meant: {text}"
    );
}
