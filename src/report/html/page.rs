//! What a page is made of: plain values that the template knows how to draw.

use serde::Serialize;

/// The whole page.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Page {
    /// The scenario's name.
    pub(super) title: String,
    /// Its question; may be empty.
    pub(super) question: String,
    /// `measured on the embedded engine`.
    pub(super) provenance: String,
    /// Short facts under the title.
    pub(super) facts: Vec<(String, String)>,
    /// The three answer lines.
    pub(super) answers: Vec<Answer>,
    /// What is above the reasons.
    pub(super) reasons_title: &'static str,
    /// Reasons to doubt the measurement, the gravest first.
    pub(super) reasons: Vec<Reason>,
    /// The parts below, in order.
    pub(super) sections: Vec<Section>,
}

/// One of the three lines that answer.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Answer {
    pub(super) label: String,
    pub(super) text: String,
    /// `good`, `warn`, `bad` or empty.
    pub(super) tone: &'static str,
}

/// A reason to doubt the measurement.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Reason {
    pub(super) label: String,
    pub(super) tone: &'static str,
    pub(super) text: String,
}

/// A part of the page.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Section {
    /// What links to it.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// What kind of numbers it shows; empty for one without.
    pub(super) basis: &'static str,
    /// A sentence on what is shown; may be empty.
    pub(super) lead: String,
    pub(super) blocks: Vec<Block>,
}

/// Something within a section.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Block {
    /// A heading below the section's.
    Heading {
        text: String,
    },
    /// A sentence.
    Note {
        text: String,
    },
    /// Numbers to be seen first.
    Tiles {
        tiles: Vec<Tile>,
    },
    Table {
        table: Table,
    },
    Chart {
        chart: Chart,
    },
    Flow {
        flow: Flow,
    },
    Card {
        card: Card,
    },
    /// A text as it is.
    Text {
        caption: String,
        text: String,
    },
}

/// A number with a name.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Tile {
    pub(super) label: String,
    pub(super) cell: Cell,
    /// What it belongs to.
    pub(super) of: String,
}

/// A text, and the number that it shows.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub(super) struct Cell {
    pub(super) text: String,
    /// The number's place in the document, as a JSON pointer.
    pub(super) figure: Option<String>,
    /// The number as the document has it.
    pub(super) value: Option<String>,
    /// `n` for numbers, `good`, `bad`, ...
    pub(super) class: &'static str,
}

impl Cell {
    /// A text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// The same with a class.
    pub(super) fn with(mut self, class: &'static str) -> Self {
        self.class = class;
        self
    }
}

/// A column's name.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Head {
    pub(super) text: String,
    /// Whether numbers stand below.
    pub(super) number: bool,
    /// The place of the list of which the column holds the numbers as they are.
    pub(super) series: Option<String>,
}

impl Head {
    /// Columns of text, and after a `<` of numbers.
    pub(super) fn row(names: &[&str]) -> Vec<Self> {
        let heads = names.iter().map(|name| Self {
            text: name.trim_start_matches('<').to_owned(),
            number: name.starts_with('<'),
            series: None,
        });
        heads.collect()
    }
}

/// Rows and columns.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Table {
    pub(super) caption: String,
    pub(super) head: Vec<Head>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// Rows of nothing but numbers, as markup.
    pub(super) body: String,
    /// Where each row is a list of the document: the places of the lists, by row.
    pub(super) row_series: Vec<String>,
    /// What to call it where it is folded away; empty for a table that is always seen.
    pub(super) folded: String,
    /// A word to those who read it.
    pub(super) note: String,
}

/// Something drawn, with its labels and the table of its numbers.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Chart {
    pub(super) title: String,
    /// What it shows, for those who do not see it.
    pub(super) said: String,
    /// The drawing's height in pixels.
    pub(super) height: u32,
    /// The drawing: markup of numbers and of classes only.
    pub(super) svg: String,
    pub(super) legend: Vec<Legend>,
    pub(super) y: Vec<Tick>,
    pub(super) x: Vec<Tick>,
    /// What is below the horizontal axis.
    pub(super) x_title: String,
    pub(super) marks: Vec<Mark>,
    /// How its table's cells are found under the pointer: `row` for one row per place from left to right, `cell` for a row
    /// per row of the drawing; empty for none.
    pub(super) hover: &'static str,
    pub(super) table: Table,
}

/// What a colour means.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Legend {
    pub(super) class: String,
    pub(super) label: String,
}

/// A label of an axis.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Tick {
    /// From the left or the top, in percent.
    pub(super) at: f64,
    pub(super) label: String,
    /// Left out where there is little room.
    pub(super) minor: bool,
}

/// Something that happened, across a chart.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Mark {
    /// From the left, in percent.
    pub(super) at: f64,
    pub(super) label: String,
    /// Whether its label stands left of it.
    pub(super) left: bool,
}

/// A sum and its parts.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Flow {
    pub(super) title: String,
    pub(super) whole: String,
    pub(super) cell: Cell,
    /// In pixels.
    pub(super) height: u32,
    pub(super) svg: String,
    pub(super) parts: Vec<FlowPart>,
}

/// A part of a sum.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FlowPart {
    /// From the top, in pixels.
    pub(super) top: u32,
    pub(super) class: &'static str,
    pub(super) label: &'static str,
    pub(super) cell: Cell,
    /// Its part of the whole.
    pub(super) share: String,
}

/// What is to be said of one thing that happened.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Card {
    pub(super) title: String,
    pub(super) tone: &'static str,
    pub(super) status: String,
    pub(super) text: String,
    pub(super) tiles: Vec<Tile>,
    pub(super) table: Option<Table>,
}
