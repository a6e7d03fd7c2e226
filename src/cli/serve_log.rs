//! The flags of `serve` about its log: events on standard error.

use clap::{Args, ValueEnum};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::base::Clock;

#[derive(Debug, Args)]
pub(super) struct LogArguments {
    /// The least of what is logged; `debug` has an event for each request
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = Level::Info)]
    log: Level,
    /// How events are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    log_format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// A line for people
    Text,
    /// A JSON object a line
    Json,
}

/// The server's own time.
#[derive(Debug)]
struct LogTime(Clock);

impl FormatTime for LogTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        let nanos = i128::from(self.0.now().as_nanos());
        let time = jiff::Timestamp::from_nanosecond(nanos).unwrap_or_default();
        write!(writer, "{time:.6}")
    }
}

impl LogArguments {
    /// Begins to log. Events of libraries are theirs: only the program's own are written.
    pub(super) fn start(&self, clock: Clock) {
        let level = match self.log {
            Level::Off => LevelFilter::OFF,
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
        };
        let own = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_timer(LogTime(clock))
            .with_ansi(false)
            .with_target(false);
        let layer = match self.log_format {
            Format::Text => layer.boxed(),
            Format::Json => layer.json().flatten_event(true).boxed(),
        };
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(own));
        // It fails where a log was begun before: then that one goes on.
        let _ = tracing::subscriber::set_global_default(subscriber);
    }
}
