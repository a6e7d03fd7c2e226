//! `report.html`: one page that says what a run found, for people, offline.
//!
//! [`render`] is a function of the document alone. Each number on the page that the document holds carries the place that it
//! was read from as a JSON pointer (`data-figure`, RFC 6901) and its value there (`data-value`), so that anybody can hold
//! the page against `report.json`. Charts are SVG without text, stretched to the width of the screen; their labels are the
//! page's own text, so that they stay readable on a phone, and the numbers of each stand in a table behind it.
//!
//! Invariant: a number is read from the document where it is shown; the page computes lengths and colours, and nothing that
//! a person would quote. Text of others reaches the page through the template's escaping only.
//!
//! Files: `page` (what a page is made of), `figures` (numbers by their place), `chart/` (lines, bars, flows and heat maps as
//! SVG), `sections/` (one file per part of the page), `page.html`, `style.css` and `script.js` (its form).

mod chart;
mod figures;
mod page;
mod sections;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, context};

use crate::report::document::Document;
use figures::Figures;
use page::Page;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page of a document: all of it in one file that asks the network for nothing.
#[expect(
    clippy::missing_panics_doc,
    reason = "the template is part of the program"
)]
pub fn render(document: &Document) -> String {
    let figures = Figures::of(document);
    let page = Serde(sections::page(document, &figures));
    draw(page).expect("the template is part of the program, and every page has what it asks for")
}

fn draw(page: Serde<Page>) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()?;
    environment.set_syntax(syntax);
    environment.add_template("page.html", TEMPLATE)?;
    let template = environment.get_template("page.html")?;
    template.render(context! { page, style => STYLE, script => SCRIPT })
}

#[cfg(test)]
mod tests;
