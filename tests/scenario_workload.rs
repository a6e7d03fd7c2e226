//! Claims about the workload part of a scenario file: kinds within kinds, files that it names, and what is said of mistakes.

use std::path::Path;

use streamgauge::scenario::{Loaded, Source, load};

/// Loads a scenario whose producer holds these lines, from `folder`.
fn loaded_in(folder: &Path, lines: &str) -> Result<Loaded, String> {
    let text = format!(
        "schema = 1\nname = \"w\"\n[time]\nmeasure = \"10s\"\n[streams.orders]\nshards = 4\n[producers.web]\n{lines}\n"
    );
    let path = folder.join("w.toml").display().to_string();
    load(&Source { path, text }, &[]).map_err(|problems| problems.render(false))
}

const REST: &str = "keys = { kind = \"single\" }\nsize = { kind = \"fixed\", bytes = \"100B\" }";

fn with_arrival(folder: &Path, arrival: &str) -> Result<Loaded, String> {
    loaded_in(folder, &format!("arrival = {arrival}\n{REST}"))
}

#[test]
fn every_arrival_loads_and_its_spacing_is_poisson_unless_given() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("rates.csv"), "time,rate\n0,10\n5,20\n").expect("written");
    std::fs::write(folder.path().join("trace.csv"), "time\n1\n2.5\n").expect("written");
    let day = format!("[{}]", vec!["1"; 24].join(", "));
    let weekly = format!(
        r#"{{ kind = "weekly", rate = "100/s", grid = [{}], from_hour = 9, speed_up = 60 }}"#,
        [day.as_str(); 7].join(", ")
    );
    for arrival in [
        r#"{ kind = "ramp", from = "0/s", to = "800/s", over = "5s" }"#,
        r#"{ kind = "steps", steps = [{ rate = "100/s", for = "2s" }, { rate = "0/s", for = "1s" }, { rate = "300/s" }] }"#,
        r#"{ kind = "sine", mean = "100/s", amplitude = 0.5, period = "4s", phase = 0.25 }"#,
        r#"{ kind = "burst", on_rate = "900/s", on = "1s", off = "3s", modulation = "markov" }"#,
        weekly.as_str(),
        r#"{ kind = "profile", file = "rates.csv", interpolation = "linear", speed_up = 2 }"#,
        r#"{ kind = "sequence", parts = [{ arrival = { kind = "constant", rate = "5/s" }, for = "2s" }, { arrival = { kind = "ramp", from = "5/s", to = "9/s", over = "1s" } }] }"#,
        r#"{ kind = "sum", of = [{ kind = "constant", rate = "5/s" }, { kind = "scale", by = 3, of = { kind = "profile", file = "rates.csv" } }] }"#,
        r#"{ kind = "scale", by = 0.5, of = { kind = "poisson", rate = "5/s" } }"#,
    ] {
        let loaded = with_arrival(folder.path(), arrival).unwrap_or_else(|told| panic!("{told}"));
        let spacing = loaded
            .resolved
            .iter()
            .find(|setting| setting.path == "producers.web.arrival.spacing")
            .unwrap_or_else(|| panic!("{arrival} has a spacing"));
        assert_eq!(
            (spacing.value.as_str(), spacing.is_default),
            ("poisson", true)
        );
    }
    let trace = r#"{ kind = "trace", file = "trace.csv", speed_up = 10 }"#;
    with_arrival(folder.path(), trace).unwrap_or_else(|told| panic!("{told}"));
}

#[test]
fn a_mistake_in_an_arrival_is_told_where_it_is_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("bad.csv"), "time,rate\n0,10\n1,ten\n").expect("written");
    for (arrival, told) in [
        (
            r#"{ kind = "ramp", from = "0/s", to = "0/s", over = "5s" }"#,
            "the rate never rises above zero",
        ),
        (
            r#"{ kind = "ramp", from = "1/s", to = "5/s", over = "0s" }"#,
            "`over` must be above zero",
        ),
        (
            r#"{ kind = "steps", steps = [] }"#,
            "a list of 0, not a list of at least 1",
        ),
        (
            r#"{ kind = "steps", steps = [{ rate = "1/s" }, { rate = "2/s" }] }"#,
            "`steps` number 1 of 2 needs `for`",
        ),
        (
            r#"{ kind = "steps", steps = [{ rte = "1/s" }] }"#,
            "did you mean `rate`?",
        ),
        (
            r#"{ kind = "weekly", rate = "1/s", grid = [[1, 2]] }"#,
            "a list of 1, not a list of 7",
        ),
        (
            r#"{ kind = "sum", of = [{ kind = "closed", outstanding = 1 }] }"#,
            "must be a rate over time",
        ),
        (
            r#"{ kind = "sum", of = [{ kind = "ramp", from = "1/s", to = "2/s", over = "1s", spacing = "constant" }] }"#,
            "`spacing` stands in the outermost arrival",
        ),
        (
            r#"{ kind = "scale", by = 1000000, of = { kind = "constant", rate = "1M/s" } }"#,
            "more than the most",
        ),
        (
            r#"{ kind = "profile", file = "none.csv" }"#,
            "failed to read `none.csv`",
        ),
        (
            r#"{ kind = "profile", file = "bad.csv" }"#,
            "`bad.csv` line 3: `ten` is not a rate",
        ),
        (
            r#"{ kind = "trace", file = "bad.csv" }"#,
            "`bad.csv` line 1: `time,rate` does not name the columns of a trace",
        ),
    ] {
        let text = with_arrival(folder.path(), arrival).expect_err(arrival);
        assert!(text.contains(told), "{arrival}: {text}");
        assert!(text.contains("w.toml:8"), "{arrival}: {text}");
    }
}

/// The lines of a producer with these settings instead of a plain size.
fn with_payload(folder: &Path, settings: &str) -> Result<Loaded, String> {
    let arrival = r#"arrival = { kind = "constant", rate = "5/s" }"#;
    loaded_in(
        folder,
        &format!("{arrival}\nkeys = {{ kind = \"single\" }}\n{settings}"),
    )
}

const QUANTILES: &str = r#"size = { kind = "quantiles", points = [{ quantile = 0, size = "100B" }, { quantile = 0.5, size = "600B" }, { quantile = 1, size = "20KiB" }] }"#;

#[test]
fn sizes_and_payloads_load_with_the_defaults_that_follow_from_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("log.txt"), "one\ntwo\n").expect("written");
    std::fs::write(folder.path().join("order.json"), "{\"id\": \"${uuid}\"}").expect("written");
    for (settings, path, value) in [
        (
            r#"size = { kind = "normal", mean = "600B", sigma = "50B" }"#,
            "size.max",
            "900B",
        ),
        (QUANTILES, "payload.stamp", "prefix"),
        (
            r#"payload = { kind = "json", file = "order.json" }"#,
            "payload.stamp",
            "json-field",
        ),
        (
            r#"payload = { kind = "json", template = '{"n": "${int 1..9}"}' }"#,
            "size.kind",
            "natural",
        ),
        (
            "payload = { kind = \"json\", template = '{\"n\": \"${int 1..9}\"}' }\nsize = { kind = \"log-normal\", median = \"200B\", sigma = 0.1, max = \"1KiB\" }",
            "size.min",
            "74B",
        ),
        (
            r#"payload = { kind = "file", file = "log.txt" }"#,
            "payload.take",
            "lines",
        ),
        (
            "payload = { kind = \"file\", file = \"log.txt\" }\nsize = { kind = \"fixed\", bytes = \"1KiB\" }",
            "payload.take",
            "cuts",
        ),
        (
            "payload = { kind = \"compressible\", ratio = 4 }\nsize = { kind = \"fixed\", bytes = \"1KiB\" }",
            "payload.stamp",
            "prefix",
        ),
    ] {
        let loaded = with_payload(folder.path(), settings).unwrap_or_else(|told| panic!("{told}"));
        let path = format!("producers.web.{path}");
        let found = loaded.resolved.iter().find(|setting| setting.path == path);
        let found = found.unwrap_or_else(|| panic!("{settings} has {path}"));
        assert_eq!((found.value.as_str(), found.is_default), (value, true));
    }
}

#[test]
fn a_mistake_in_a_size_or_payload_is_told_where_it_is_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("bad.json"), "{\n\"id\": }").expect("written");
    std::fs::write(folder.path().join("empty.txt"), "\n\n").expect("written");
    let fixed = r#"size = { kind = "fixed", bytes = "1KiB" }"#;
    for (settings, told) in [
        (String::new(), "`producers.web` needs `size`"),
        (
            QUANTILES.replace("quantile = 0,", "quantile = 0.1,"),
            "quantiles rise from 0 to 1",
        ),
        (
            QUANTILES.replace("20KiB", "500B"),
            "the size at quantile 1, `500B`, is below the one before it, `600B`",
        ),
        (
            r#"size = { kind = "normal", mean = "600B", sigma = "0B" }"#.to_owned(),
            "must be above zero",
        ),
        (
            r#"size = { kind = "normal", mean = "600B", sigma = "10B", max = "500B" }"#.to_owned(),
            "the mean `600B` is not within 36 B and 500 B",
        ),
        (
            r#"size = { kind = "natural" }"#.to_owned(),
            "has no size of its own",
        ),
        (
            format!("{fixed}\npayload = {{ kind = \"compressible\" }}"),
            "needs `ratio`",
        ),
        (
            format!("{fixed}\npayload = {{ kind = \"compressible\", ratio = 30 }}"),
            "not a number from 1 to 20",
        ),
        (
            format!("{fixed}\npayload = {{ kind = \"compressible\", ratio = 10 }}"),
            "a ratio of at most 7.7 for them, or a least size of 1316B",
        ),
        (
            format!("{fixed}\npayload = {{ ratio = 4 }}"),
            "`ratio` is a setting of payloads of kind `compressible`, not of `random`",
        ),
        (
            format!("{fixed}\npayload = {{ stamp = \"json-field\" }}"),
            "a payload of kind `random` has no JSON field for the stamp",
        ),
        (
            r#"payload = { kind = "json" }"#.to_owned(),
            "needs either `template` or `file`",
        ),
        (
            r#"payload = { kind = "json", template = '{"a": "${uid}"}' }"#.to_owned(),
            "`template`: `${uid}`: there is no such placeholder",
        ),
        (
            r#"payload = { kind = "json", file = "bad.json" }"#.to_owned(),
            "`bad.json` line 2: no JSON",
        ),
        (
            "payload = { kind = \"json\", template = '{\"id\": \"${uuid}\"}' }\nsize = { kind = \"fixed\", bytes = \"100B\" }".to_owned(),
            "records of 100 B do not hold the largest object of the template, 112 B",
        ),
        (
            r#"payload = { kind = "file", file = "none.txt" }"#.to_owned(),
            "failed to read `none.txt`",
        ),
        (
            r#"payload = { kind = "file", file = "empty.txt" }"#.to_owned(),
            "`empty.txt` holds nothing",
        ),
        (
            format!("{fixed}\npayload = {{ kind = \"file\", file = \"bad.json\", take = \"lines\" }}"),
            "a line of a file is a whole record",
        ),
    ] {
        let text = with_payload(folder.path(), &settings).expect_err(&settings);
        assert!(text.contains(told), "{settings}: {text}");
    }
}
