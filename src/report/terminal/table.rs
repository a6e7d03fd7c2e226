//! Tables without lines: names to the left, numbers to the right.

use comfy_table::{CellAlignment, ContentArrangement};

/// A table under construction.
#[derive(Debug)]
pub(crate) struct Table(comfy_table::Table);

impl Table {
    /// A table with these columns, named in one text with two spaces between; `<` before a name says that the column
    /// holds numbers.
    pub(crate) fn new(columns: &str) -> Self {
        let names: Vec<_> = columns
            .split("  ")
            .filter(|name| !name.is_empty())
            .collect();
        let mut table = comfy_table::Table::new();
        table
            .load_style(comfy_table::presets::NOTHING)
            .force_no_tty()
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(names.iter().map(|name| name.trim_start_matches('<')));
        for (index, (column, name)) in table.column_iter_mut().zip(&names).enumerate() {
            column.set_padding((if index == 0 { 2 } else { 1 }, 1));
            if name.starts_with('<') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self(table)
    }

    /// Adds a row; as many cells as there are columns.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.add_row(cells.into_iter().collect::<Vec<_>>());
    }

    /// The title and the table below it.
    pub(crate) fn titled(&self, title: &str) -> String {
        let mut text = title.to_owned();
        for line in self.0.lines() {
            text.push('\n');
            text.push_str(line.trim_end());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_to_the_left_and_numbers_to_the_right() {
        let mut table = Table::new("name  <count");
        table.row(["a".into(), "1,000".into()]);
        table.row(["bcdef".into(), "1".into()]);
        assert_eq!(
            table.titled("Title"),
            "Title\n  name   count\n  a      1,000\n  bcdef      1"
        );
    }
}
