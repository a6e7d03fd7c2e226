//! What a run costs on AWS, line by line. `analyse` fills it in; here it is kept and shown.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::document::FigureBasis;
use super::text::Plain;

/// A bill: what was or will be used, times what it costs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// The sum of the lines, in USD.
    pub usd: f64,
    /// The prices' list. Prices are `assumed`: nobody asked AWS.
    pub prices: PriceList,
    /// Its lines, by stream.
    pub lines: Vec<CostLine>,
}

/// A list of prices.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PriceList {
    /// Where it holds.
    pub region: String,
    /// When it was made, as `2026-11-23`.
    pub date: String,
}

/// One line of a bill.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CostLine {
    /// The stream.
    pub stream: String,
    /// What is billed: `shard-hours`.
    pub item: String,
    /// How much of it.
    pub quantity: f64,
    /// How the quantity is known.
    pub basis: FigureBasis,
    /// The price of one, in USD.
    pub unit_price_usd: f64,
    /// How the price is known.
    pub price_basis: FigureBasis,
    /// Quantity times price.
    pub usd: f64,
}

impl CostLine {
    /// A line; its price is assumed.
    pub fn new(
        stream: &str,
        item: &str,
        quantity: f64,
        basis: FigureBasis,
        unit_price_usd: f64,
    ) -> Self {
        Self {
            stream: stream.to_owned(),
            item: item.to_owned(),
            quantity,
            basis,
            unit_price_usd,
            price_basis: FigureBasis::Assumed,
            usd: quantity * unit_price_usd,
        }
    }
}

impl Cost {
    /// The sum of these lines.
    pub fn of(prices: PriceList, lines: Vec<CostLine>) -> Self {
        Self {
            // From zero: an empty sum of floats is minus zero.
            usd: lines.iter().fold(0.0, |sum, line| sum + line.usd),
            prices,
            lines,
        }
    }

    /// As a person reads it: the sum after `what`, then the lines.
    pub fn render(&self, what: &str) -> String {
        let PriceList { region, date } = &self.prices;
        let mut text = format!(
            "{what}: {} (prices assumed: {region}, list of {date})\n",
            usd(self.usd)
        );
        for line in &self.lines {
            let _ = writeln!(
                text,
                "  {}: {} {} ({}) = {}",
                line.stream,
                Plain(line.quantity),
                line.item,
                line.basis.as_str(),
                usd(line.usd)
            );
        }
        text
    }
}

/// An amount in USD with as many digits as it needs to be seen: `0.03 USD`, `0.000084 USD`.
pub fn usd(amount: f64) -> String {
    let digits = [2, 4, 6]
        .into_iter()
        .find(|digits| amount >= 10_f64.powi(1 - digits));
    match digits {
        Some(digits) => format!("{amount:.*} USD", digits as usize),
        None if amount > 0.0 => "below 0.00001 USD".to_owned(),
        None => "0 USD".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_show_their_first_digits_whatever_their_size() {
        for (amount, text) in [
            (12.345, "12.35 USD"),
            (0.1, "0.10 USD"),
            (0.03, "0.0300 USD"),
            (0.000_084, "0.000084 USD"),
            (0.000_000_1, "below 0.00001 USD"),
            (0.0, "0 USD"),
        ] {
            assert_eq!(usd(amount), text);
        }
    }
}
