//! The full screen of a run: a pure function of a [`View`] and a place.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Cell, Gauge, Paragraph, Row, Table, Widget as _};

use super::{Phase, View};
use crate::base::units::{HumanCount, HumanMicros};
use crate::report::text::{Plain, shortened};

/// Names are cut to so many characters.
const NAME_CHARS: usize = 20;
/// So many events are shown at most.
const EVENTS_MAX: usize = 4;
/// So many latencies.
const LATENCIES_MAX: usize = 8;
/// The line below everything.
const HELP: &str = " q or Ctrl-C ends the run; its results are written";
/// The same when somebody did.
const ENDING: &str = " ending: what is under way becomes unknown, the results are written";

/// Draws the view into a part of the buffer. Whatever does not fit is left out, the shards and then the events first.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    let latencies = view.latencies.len().clamp(1, LATENCIES_MAX) as u16 + 2;
    let events = match view.events.len().min(EVENTS_MAX) as u16 {
        0 => 0,
        events => events + 1,
    };
    let areas = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(6),
        Constraint::Length(latencies),
        Constraint::Min(0),
        Constraint::Length(events),
        Constraint::Length(1),
    ]);
    let [head, gauge, middle, latency, shards, below, help] = areas.areas(area);
    self::head(view, head, buffer);
    self::gauge(view, gauge, buffer);
    let [rates, slo] =
        Layout::horizontal([Constraint::Length(36), Constraint::Min(0)]).areas(middle);
    self::rates(view, rates, buffer);
    self::slo(view, slo, buffer);
    self::latency(view, latency, buffer);
    self::shards(view, shards, buffer);
    self::events(view, below, buffer);
    Paragraph::new(if view.ending { ENDING } else { HELP })
        .style(Style::new().add_modifier(Modifier::DIM))
        .render(help, buffer);
}

fn titled(title: &str) -> Block<'_> {
    Block::new()
        .borders(Borders::TOP)
        .title(format!(" {title} "))
}

fn count(number: f64) -> String {
    HumanCount(number.round() as u64).to_string()
}

fn head(view: &View, area: Rect, buffer: &mut Buffer) {
    let left = format!(
        " {} ({})",
        shortened(&view.name, 2 * NAME_CHARS),
        view.provenance
    );
    let right = match view.left {
        Some(left) => format!("{}, {:.0} s left ", view.phase.as_str(), left.as_secs_f64()),
        None => format!("{} ", view.phase.as_str()),
    };
    let bold = Style::new().add_modifier(Modifier::BOLD);
    Paragraph::new(left).style(bold).render(area, buffer);
    Paragraph::new(Line::from(right).right_aligned()).render(area, buffer);
}

fn gauge(view: &View, area: Rect, buffer: &mut Buffer) {
    let done = match (view.phase, view.done) {
        (Phase::Draining, _) => 1.0,
        (_, Some(done)) => done,
        (_, None) => return,
    };
    Gauge::default()
        .gauge_style(Style::new().fg(Color::Cyan))
        .ratio(done)
        .render(area, buffer);
}

fn rates(view: &View, area: Rect, buffer: &mut Buffer) {
    let row = |name: &'static str, rate: Option<f64>, total: u64| {
        let rate = rate.map_or_else(String::new, count);
        Row::new([
            Cell::from(name),
            Cell::from(Line::from(rate).right_aligned()),
            Cell::from(Line::from(HumanCount(total).to_string()).right_aligned()),
        ])
    };
    let (rates, totals) = (&view.rates, &view.totals);
    let last = if totals.calls > 0 {
        row(" calls", None, totals.calls)
    } else {
        row(" unread", None, view.unread)
    };
    let rows = [
        row(" offered", Some(rates.offered), totals.released),
        row(" acked", Some(rates.acked), totals.acked),
        row(" delivered", Some(rates.delivered), totals.delivered),
        row(" refused", Some(rates.refused), totals.refused),
        last,
    ];
    let widths = [
        Constraint::Length(10),
        Constraint::Length(11),
        Constraint::Length(12),
    ];
    Table::new(rows, widths)
        .block(titled("records: a second, in all"))
        .render(area, buffer);
}

fn slo(view: &View, area: Rect, buffer: &mut Buffer) {
    let rows = view.slo.iter().map(|slo| {
        let (mark, colour) = match slo.met {
            Some(true) => ("met", Color::Green),
            Some(false) => ("MISSED", Color::Red),
            None => ("-", Color::Reset),
        };
        Row::new([
            Cell::from(mark).style(Style::new().fg(colour)),
            Cell::from(shortened(&slo.name, NAME_CHARS)),
            Cell::from(slo.text.clone()),
        ])
    });
    let widths = [
        Constraint::Length(6),
        Constraint::Max(NAME_CHARS as u16),
        Constraint::Min(0),
    ];
    let title = if view.slo.is_empty() {
        "SLO: none set"
    } else {
        "SLO so far, warm-up included"
    };
    Table::new(rows, widths)
        .block(titled(title))
        .render(area, buffer);
}

fn latency(view: &View, area: Rect, buffer: &mut Buffer) {
    let time = |micros| Cell::from(Line::from(HumanMicros(micros).to_string()).right_aligned());
    let rows = view.latencies.iter().take(LATENCIES_MAX).map(|row| {
        Row::new([
            Cell::from(format!(" {}", shortened(&row.of, NAME_CHARS))),
            Cell::from(row.kind.as_str()),
            Cell::from(Line::from(HumanCount(row.summary.count).to_string()).right_aligned()),
            time(row.summary.p50_us),
            time(row.summary.p99_us),
            time(row.summary.max_us),
        ])
    });
    let right = |name: &'static str| Cell::from(Line::from(name).right_aligned());
    let header = Row::new([
        Cell::from(" of"),
        Cell::from("latency"),
        right("samples"),
        right("p50"),
        right("p99"),
        right("max"),
    ]);
    let widths = [
        Constraint::Max(NAME_CHARS as u16 + 1),
        Constraint::Length(16),
        Constraint::Length(11),
        Constraint::Length(9),
        Constraint::Length(9),
        Constraint::Length(9),
    ];
    Table::new(rows, widths)
        .header(header.style(Style::new().add_modifier(Modifier::DIM)))
        .block(titled("latency so far, warm-up included"))
        .render(area, buffer);
}

fn shards(view: &View, area: Rect, buffer: &mut Buffer) {
    let [border, list] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let rows = usize::from(list.height);
    let title = if view.shards.len() > rows {
        format!(
            "shards: {rows} of {}, records acked a second, use of the nearer limit",
            view.shards.len()
        )
    } else {
        "shards: records acked a second, use of the nearer limit".to_owned()
    };
    titled(&title).render(border, buffer);
    // Without limits the bars are against the busiest shard.
    let busiest = view.shards.iter().map(|shard| shard.acked_per_s);
    let busiest = busiest.fold(0.0, f64::max).max(1.0);
    let (several, mut order) = (
        view.shards
            .iter()
            .any(|shard| shard.stream != view.shards[0].stream),
        view.shards.iter().collect::<Vec<_>>(),
    );
    if view.shards.len() > rows {
        order.sort_by(|a, b| b.acked_per_s.total_cmp(&a.acked_per_s));
    }
    for (shard, y) in order.into_iter().zip(list.y..list.bottom()) {
        let mut name = shard.shard.number().to_string();
        if several {
            name = format!("{}/{name}", shortened(&shard.stream, NAME_CHARS));
        }
        let use_of = shard
            .used
            .map_or_else(String::new, |used| format!("{:.0} %", used * 100.0));
        let text = format!(" {name:>8} {:>9} {use_of:>6} ", count(shard.acked_per_s));
        let at = Rect::new(list.x, y, list.width, 1);
        let width = (text.chars().count() as u16).min(list.width);
        Paragraph::new(text).render(at, buffer);
        let refused = if shard.refused_per_s > 0.0 {
            format!(" {}/s refused ", Plain(shard.refused_per_s.round()))
        } else {
            String::new()
        };
        let room = list.width.saturating_sub(width);
        let bar_room = room.saturating_sub(refused.chars().count() as u16);
        let share = shard.used.unwrap_or(shard.acked_per_s / busiest);
        let length = (f64::from(bar_room) * share.clamp(0.0, 1.0)).round() as usize;
        let colour = match share {
            _ if !refused.is_empty() => Color::Red,
            share if share > 0.8 => Color::Yellow,
            _ => Color::Green,
        };
        let bar = Rect::new(list.x + width, y, bar_room, 1);
        Paragraph::new("#".repeat(length))
            .style(Style::new().fg(colour))
            .render(bar, buffer);
        let end = Rect::new(list.x + width + bar_room, y, room - bar_room, 1);
        Paragraph::new(refused)
            .style(Style::new().fg(Color::Red))
            .render(end, buffer);
    }
}

fn events(view: &View, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    // The next ones, and the last ones that are over before them.
    let next = view
        .events
        .iter()
        .position(|event| event.state == "planned");
    let next = next.unwrap_or(view.events.len());
    let from = (next + 1).saturating_sub(EVENTS_MAX / 2 + 1);
    let from = from.min(view.events.len().saturating_sub(EVENTS_MAX));
    let rows = view.events.iter().skip(from).take(EVENTS_MAX).map(|event| {
        let colour = match event.state {
            "failed" => Color::Red,
            "done" => Color::Green,
            _ => Color::Reset,
        };
        Row::new([
            Cell::from(format!(" {} s", Plain(event.at.as_secs_f64()))),
            Cell::from(shortened(&event.name, NAME_CHARS)),
            Cell::from(event.state).style(Style::new().fg(colour)),
            Cell::from(shortened(&event.detail, usize::from(area.width))),
        ])
    });
    let widths = [
        Constraint::Length(9),
        Constraint::Max(NAME_CHARS as u16),
        Constraint::Length(8),
        Constraint::Min(0),
    ];
    Table::new(rows, widths)
        .block(titled("events"))
        .render(area, buffer);
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::report::live::view::tests::view;

    fn shown(view: &View, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal
            .draw(|frame| draw(view, frame.area(), frame.buffer_mut()))
            .unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn the_screen_of_a_known_run_shows_rates_bounds_latencies_shards_and_events() {
        let text = shown(&view(), 96, 24);
        for part in [
            " hot-key (measured, embedded)",
            "measuring, 5 s left",
            "SLO so far",
            "told at the end",
            "response_time",
            "98 %",
            "130/s refused",
            "split into 2 and 3",
            "planned",
            HELP,
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let bar = |shard: &str| {
            let line = text.lines().find(|line| line.contains(shard));
            line.map(|line| line.matches('#').count())
        };
        // The hot shard's bar is the longer one.
        assert!(bar("130/s refused") > bar(" 12 %"), "{text}");
        assert!(bar(" 12 %") > Some(0), "{text}");
    }

    #[test]
    fn a_run_that_has_told_nothing_is_a_screen_too() {
        let mut view = view();
        view.slo.clear();
        view.latencies.clear();
        view.shards.clear();
        view.events.clear();
        (view.phase, view.left, view.done) = (Phase::Simulating, None, None);
        let text = shown(&view, 80, 20);
        assert!(text.contains("simulating"), "{text}");
        assert!(text.contains("SLO: none set"), "{text}");
        view.ending = true;
        assert!(shown(&view, 80, 20).contains("the results are written"));
    }

    #[test]
    fn no_place_is_too_small_or_too_large() {
        let mut many = view();
        many.shards = std::iter::repeat_n(many.shards[1].clone(), 3_000).collect();
        for (width, height) in [(1, 1), (3, 40), (200, 2), (20, 10), (300, 100), (40, 12)] {
            shown(&many, width, height);
        }
    }

    #[test]
    fn names_of_others_cannot_paint_the_terminal() {
        let mut view = view();
        view.name = "\u{1b}[31mred\u{7}".into();
        view.events[0].detail = "\u{1b}]0;title\u{7}".into();
        let text = shown(&view, 96, 24);
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n'),
            "{text:?}"
        );
    }
}
