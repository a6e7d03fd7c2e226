//! The tables as one page, `src/server/FIDELITY.md`, and what must hold of them: no row without a test that is there, no
//! operation or limit without a row.
//!
//! `FIDELITY_PAGE=write cargo test --test fidelity page` writes the page anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use streamgauge::kinesis::quotas::{CAPS, RATES, Scope};
use streamgauge::wire::{OPERATIONS, UNIMPLEMENTED_FAMILIES};

use crate::messages::MESSAGES;
use crate::row::{Row, Standing};
use crate::{fifteen, front_door, limits, operations, states};

const HEAD: &str = "\
# Fidelity
What the local Kinesis does as Amazon's, what it does more simply, and what nobody outside AWS knows. The page is printed
by `tests/fidelity` from the tables that stand there beside the tests; each row names the tests that hold it, and
`cargo test <name>` runs one.

- **as the service**: documented by AWS or seen on the service; the source is named. *Kinesalite* stands for its tests,
  which were run against the service until 2020.
- **simplified**: known, and done here with less; the note says what is left out.
- **unverified**: unknown; the choice is this project's. What moves throughput, latency, order or cost is a setting.
- **absent**: not done.
";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page_path() -> PathBuf {
    root().join("src/server/FIDELITY.md")
}

/// Text in a table's cell: bars end cells, angle brackets are read as HTML.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

fn named(tests: &[&str]) -> String {
    let quoted: Vec<_> = tests.iter().map(|test| format!("`{test}`")).collect();
    quoted.join(", ")
}

fn standing(standing: Standing) -> String {
    cell(&format!("**{}**: {}", standing.word(), standing.note()))
}

fn rows(page: &mut String, title: &str, note: &str, head: &str, rows: &[Row]) {
    let _ = write!(
        page,
        "\n## {title}\n{note}| {head} | here | standing | tests |\n|---|---|---|---|\n"
    );
    for row in rows {
        let (about, says) = (cell(row.about), cell(row.says));
        let (stands, tests) = (standing(row.standing), named(row.tests));
        let _ = writeln!(page, "| {about} | {says} | {stands} | {tests} |");
    }
}

/// The standing of a limit, from the source that its row names.
fn limit_standing(source: &'static str) -> Standing {
    if source.contains("unverified") {
        Standing::Unverified(source)
    } else {
        Standing::Known(source)
    }
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    let counts = format!(
        "Operations: {} served, {} absent",
        OPERATIONS.len(),
        UNIMPLEMENTED_FAMILIES.len()
    );
    let weakest =
        "The standing names an operation's weakest point; what else it does is as the service.\n\n";
    rows(&mut page, &counts, weakest, "operation", operations::ROWS);
    let absent = operations::OTHERS;
    let _ = writeln!(
        page,
        "| {} | {} | {} | {} |",
        UNIMPLEMENTED_FAMILIES.join(", "),
        absent.says,
        standing(absent.standing),
        named(absent.tests)
    );
    let durability = operations::DURABILITY;
    let _ = writeln!(
        page,
        "| {} | {} | {} | {} |",
        durability.about,
        durability.says,
        standing(durability.standing),
        named(durability.tests)
    );
    page.push_str(
        "\nEvery constraint of every input (lengths, ranges, patterns, sets) is checked, in both codecs alike: \
         `every_constraint_of_every_operation_is_told_with_its_path_and_text`, \
         `generated_requests_are_answered_alike_in_both_codecs`. `DryRun` makes the checks without the effects; which \
         checks the service makes is unverified.\n",
    );
    rows(
        &mut page,
        "Fifteen facts that emulators get wrong",
        "",
        "fact",
        fifteen::ROWS,
    );
    rows(&mut page, "States of a stream", "", "call", states::ROWS);
    rows(
        &mut page,
        "First checks of a request",
        "",
        "condition",
        front_door::ROWS,
    );
    let _ = write!(
        page,
        "\n## Rates\nToken buckets: `per_s` tokens come back in a second, `capacity` is the most there are. The name is \
         the setting's in `limits`.\n\n| setting | per_s | capacity | of | one token is | standing | tests \
         |\n|---|---|---|---|---|---|---|\n"
    );
    for row in &RATES {
        let scope = match row.scope {
            Scope::Shard => "shard",
            Scope::Stream => "stream",
            Scope::Account => "account",
        };
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {scope} | {} | {} | {} |",
            row.name,
            row.aws.per_s,
            row.aws.capacity,
            row.unit,
            standing(limit_standing(row.source)),
            named(limits::of_rate(row.rate))
        );
    }
    page.push_str(
        "\n## Other limits\n| setting | value | of | standing | with `limits = \"off\"` | tests |\n|---|---|---|---|---|---|\n",
    );
    for row in &CAPS {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} | {} |",
            row.name,
            row.aws,
            cell(row.unit),
            standing(limit_standing(row.source)),
            if row.lifted_when_off {
                "lifted"
            } else {
                "stays"
            },
            named(limits::of_cap(row.cap))
        );
    }
    page.push_str(
        "\n## Texts\nWords in braces are filled in: `{S}` stream, `{A}` account, `{H}` shard.\n\n| error | text | standing \
         | tests |\n|---|---|---|---|\n",
    );
    for message in MESSAGES {
        let _ = writeln!(
            page,
            "| {} | `{}` | {} | {} |",
            message.code,
            message.text.replace('|', "\\|"),
            standing(message.standing),
            named(message.tests)
        );
    }
    page
}

/// Every function name of the sources and tests.
fn functions() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root().join("src"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file");
                found.extend(tests_of(&text));
            }
        }
    }
    found
}

/// The names of functions that stand under `#[test]`, in a `proptest!` block too.
fn tests_of(text: &str) -> Vec<String> {
    let lines: Vec<_> = text.lines().map(str::trim_start).collect();
    let marked = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| **line == "#[test]");
    marked
        .filter_map(|(at, _)| {
            let below = &lines[at + 1..];
            let length = below.iter().position(|line| line.starts_with("fn "))?;
            let (marks, head) = (&below[..length], below[length]);
            // A test that is not run holds nothing.
            if marks.iter().any(|line| line.starts_with("#[ignore")) {
                return None;
            }
            let name = head["fn ".len()..].split('(').next()?;
            Some(name.to_owned())
        })
        .collect()
}

#[test]
fn the_page_is_what_the_tables_say() {
    let printed = page();
    if std::env::var_os("FIDELITY_PAGE").is_some_and(|wish| wish == "write") {
        std::fs::write(page_path(), &printed).expect("it can be written");
    }
    let kept = std::fs::read_to_string(page_path()).expect("the page");
    let differs = kept.lines().zip(printed.lines()).find(|(a, b)| a != b);
    assert!(
        kept == printed,
        "src/server/FIDELITY.md is not what the tables say, first here: {differs:?}; write it with \
         `FIDELITY_PAGE=write cargo test --test fidelity page`"
    );
}

#[test]
fn every_row_names_tests_and_every_named_test_is_there() {
    let known = functions();
    let mut named: Vec<(&str, &[&str])> = vec![
        ("absent", operations::OTHERS.tests),
        ("durability", operations::DURABILITY.tests),
    ];
    for rows in [
        operations::ROWS,
        fifteen::ROWS,
        states::ROWS,
        front_door::ROWS,
    ] {
        named.extend(rows.iter().map(|row| (row.about, row.tests)));
    }
    named.extend(MESSAGES.iter().map(|message| (message.text, message.tests)));
    named.extend(
        RATES
            .iter()
            .map(|row| (row.name, limits::of_rate(row.rate))),
    );
    named.extend(CAPS.iter().map(|row| (row.name, limits::of_cap(row.cap))));
    for (about, tests) in named {
        assert!(!tests.is_empty(), "`{about}` has no test");
        for test in tests {
            assert!(
                known.contains(*test),
                "`{about}` names `{test}`, which is no test"
            );
        }
    }
}

#[test]
fn every_operation_has_a_row_in_the_order_of_the_wires_table() {
    let rows: Vec<_> = operations::ROWS.iter().map(|row| row.about).collect();
    let served: Vec<_> = OPERATIONS.iter().map(|operation| operation.name).collect();
    assert_eq!(rows, served);
    assert_eq!(served.len() + UNIMPLEMENTED_FAMILIES.len(), 57);
}

/// Where what is said to be known comes from: one of these stands in each such note.
const SOURCES: &[&str] = &[
    "kinesalite",
    "service model",
    "API reference",
    "developer guide",
    "user guide",
    "general reference",
    "a test against AWS",
    "seen in logs of the service",
    "captured from the service",
    "AWS's solutions-constructs",
    "terraform-provider-aws",
    "botocore",
    " issue ",
    " pull request ",
];

fn check_known(about: &str, standing: Standing) {
    let note = standing.note();
    assert!(!note.is_empty(), "{about}");
    if let Standing::Known(note) = standing {
        let named = SOURCES.iter().any(|source| note.contains(source));
        assert!(named, "`{about}` names no source: {note}");
        assert!(
            !note.contains("unverified"),
            "`{about}` is not known: {note}"
        );
    }
}

#[test]
fn what_is_said_to_be_known_names_a_source_and_no_row_stands_twice() {
    for rows in [
        operations::ROWS,
        fifteen::ROWS,
        states::ROWS,
        front_door::ROWS,
    ] {
        let mut seen = BTreeSet::new();
        for row in rows {
            assert!(seen.insert(row.about), "{} stands twice", row.about);
            check_known(row.about, row.standing);
        }
    }
    let mut texts = BTreeSet::new();
    for message in MESSAGES {
        let new = texts.insert((message.text, message.standing.word()));
        assert!(new, "{} stands twice", message.text);
        check_known(message.text, message.standing);
    }
    for row in &RATES {
        check_known(row.name, limit_standing(row.source));
    }
    for row in &CAPS {
        check_known(row.name, limit_standing(row.source));
    }
}

/// Where a refusal is made: the text is the first one in its parentheses.
const REFUSALS: &[&str] = &[
    "invalid(",
    "quota(",
    "refuse(",
    "KinesisError::new(",
    "KinesisError::throttled(",
];

/// Texts that no client is told: InternalFailure has none on the wire, and these two are refused by the validator first.
const UNTOLD: &[&str] = &[
    "Internal Service Failure",
    "ConsumerName should be provided.",
    "there is no record to put",
];

/// The texts of the refusals that a source file makes, with `{}` for what is filled in.
fn refusals_of(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for call in REFUSALS {
        for (at, _) in source.match_indices(call) {
            let before = source[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let inside = &source[at + call.len()..];
            let mut depth = 1;
            for (place, c) in inside.char_indices() {
                match c {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    '"' => {
                        found.extend(text_of(&inside[place + 1..]));
                        break;
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
        }
    }
    found
}

/// A literal that begins here, if it is a sentence.
fn text_of(source: &str) -> Option<String> {
    let (mut text, mut chars) = (String::new(), source.chars().peekable());
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => match chars.next()? {
                '\n' => while chars.next_if(|c| c.is_whitespace()).is_some() {},
                other => text.push(other),
            },
            '{' => {
                while chars.next()? != '}' {}
                text.push_str("{}");
            }
            c => text.push(c),
        }
    }
    text.contains(' ').then_some(text)
}

/// Whether `text` is `pattern`, whose `{}` stand for anything.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split("{}");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

#[test]
fn every_text_of_a_refusal_stands_on_the_page() {
    let (mut seen, mut missing) = (0, BTreeSet::new());
    for folder in ["engine", "dispatch", "host", "kinesis"] {
        for entry in std::fs::read_dir(root().join("src").join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let source = std::fs::read_to_string(&path).expect("a source file");
            for text in refusals_of(&source) {
                seen += 1;
                let told = MESSAGES.iter().map(|message| message.text);
                if !told
                    .chain(UNTOLD.iter().copied())
                    .any(|known| is_like(known, &text))
                {
                    missing.insert(text);
                }
            }
        }
    }
    assert!(
        missing.is_empty(),
        "refusals have texts that the tables do not have: {missing:#?}"
    );
    assert!(seen > 50, "only {seen} texts were found");
}

#[test]
fn a_test_that_is_ignored_counts_for_nothing() {
    let mark = "#[test]";
    let text = format!("{mark}\n#[ignore = \"slow\"]\nfn slow() {{}}\n{mark}\nfn quick() {{}}\n");
    assert_eq!(tests_of(&text), ["quick"]);
}
