//! `schema`: the JSON Schema of scenario files.

use super::exit::Exit;
use super::show::show;
use crate::scenario;

pub(super) fn schema() -> Exit {
    let mut text = serde_json::to_string_pretty(&scenario::json_schema()).unwrap_or_default();
    text.push('\n');
    show(|out| out.write_all(text.as_bytes()))
}
