//! What the GPU's instruments showed while the runs were made, case by case, and what was done about its clock before.

use super::table::Table;
use super::words::codec_title;
use crate::session::Session;
use crate::stats::runs::instruments::{Instruments, Shown};
use crate::stats::runs::summary::RunSummary;
use crate::units::NO_VALUE;

/// A column: its title, its values, and how many units of the record are one of its own.
type Column = (&'static str, fn(&Instruments) -> Option<Shown>, u32);

const COLUMNS: [Column; 8] = [
    ("video clock, MHz", |one| one.video_mhz, 1),
    ("SM clock, MHz", |one| one.sm_mhz, 1),
    ("memory clock, MHz", |one| one.memory_mhz, 1),
    ("P-state", |one| one.p_state, 1),
    ("temperature, °C", |one| one.temperature_c, 1),
    ("power, W", |one| one.power_mw, 1000),
    ("encoders used, %", |one| one.encoder_pct, 1),
    ("encoder sessions of others", |one| one.other_sessions, 1),
];

/// The sentences about the clock before the runs, and the table of the counted runs; `None`: nobody looked.
pub fn section(session: &Session) -> Option<String> {
    let groups = session.groups();
    let counted = || session.summaries.iter().filter(|run| run.counts());
    let of_case = |case| counted().filter(move |run| run.case == case).filter_map(|run| run.instruments.as_deref());
    let all = Instruments::of_runs(counted().filter_map(|run| run.instruments.as_deref()))?;
    let columns: Vec<&Column> = COLUMNS.iter().filter(|(_, value, _)| value(&all).is_some()).collect();
    let titles = columns.iter().map(|(title, ..)| format!(">{title}"));
    let titles: Vec<_> = ["case".to_owned()].into_iter().chain(titles).chain([">held down".to_owned()]).collect();
    let mut table = Table::new(&titles.iter().map(String::as_str).collect::<Vec<_>>());
    for group in groups {
        let Some(shown) = Instruments::of_runs(of_case(group.case)) else { continue };
        let cells =
            columns.iter().map(|(_, value, scale)| value(&shown).map_or_else(String::new, |one| text(one, *scale)));
        let reasons = if shown.limits.is_empty() { String::new() } else { format!(" ({})", shown.limits.join(", ")) };
        let name = format!("{} {}", codec_title(group.case.codec), group.case.title());
        let held_down = shown.limited_pct.map_or_else(|| NO_VALUE.to_owned(), |pct| format!("{pct:.0} %{reasons}"));
        table.row([name].into_iter().chain(cells).chain([held_down]));
    }
    let warm_ups: String = session.summaries.iter().filter_map(warm_up_text).collect();
    Some(format!(
        "{warm_ups}Read on a thread of its own while each run was made: the median of the runs' medians, and from the lowest \
         to the highest value. \"Held down\" is the share of readings at which heat, power or an emergency brake held clocks \
         down.\n\n{table}"
    ))
}

/// "Before run 0 the engine was kept busy for 1.2 s, until its clock no longer changed: 645 → 1950 MHz. "
fn warm_up_text(run: &RunSummary) -> Option<String> {
    let warm_up = run.warm_up?;
    let took_s = f64::from(warm_up.took_ms) / 1e3;
    let end = if warm_up.is_flat { "until its clock no longer changed" } else { "and its clock still changed then" };
    let (number, from, to) = (run.order_index, warm_up.from_mhz, warm_up.to_mhz);
    Some(format!("Before run {number} the engine was kept busy for {took_s:.1} s, {end}: {from} → {to} MHz. "))
}

/// "1950 (1935–1950)", or one number where it stayed the same.
fn text(shown: Shown, scale: u32) -> String {
    let scaled = |value: u32| (f64::from(value) / f64::from(scale)).round();
    let (lowest, median, highest) = (scaled(shown.lowest), scaled(shown.median), scaled(shown.highest));
    if lowest == highest { format!("{median}") } else { format!("{median} ({lowest}–{highest})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instrument_is_one_number_where_it_stayed_the_same() {
        assert_eq!(text(Shown { lowest: 1935, median: 1950, highest: 1950 }, 1), "1950 (1935–1950)");
        assert_eq!(text(Shown { lowest: 70_100, median: 70_200, highest: 70_300 }, 1000), "70");
    }
}
