//! What the runs told, for people, for scripts and as a page.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};

use super::fault::Fault;
use crate::{checker::Rule, failure::Failure};

pub struct Table {
    pub seed: u64,
    pub stock: u32,
    pub demand: u32,
    pub nodes: u32,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub fault: Fault,
    pub seed: u64,
    pub told: Told,
}

pub enum Told {
    Judged(Judged),
    /// This machine cannot: the reason.
    NotRun(String),
    /// The run broke off: the reason.
    Failed(String),
}

pub struct Judged {
    /// In the record.
    pub orders: u64,
    /// In the order of `Rule::ALL`.
    pub broken: [u64; 6],
    pub unsold: u32,
    /// Answers with an accepted order, by node.
    pub accepted: Vec<u64>,
    /// Tries that got no decision.
    pub undecided: u64,
    /// What was seen of the fault itself.
    pub seen: Option<String>,
    pub recovered_in: Option<Duration>,
    pub findings: Vec<String>,
}

const HEAD: &str = "\
# What breaks, and what is lost

A rush over several nodes that share PostgreSQL and Redis, and in the middle of it something breaks. All servers are real and of this
machine; ways that are cut or slow are proxies of each node's own. Most buyers give their hold back, so that buying goes on until the end.
Afterwards the independent checker (`loadtest/README.md`) reads the record, the provider's books, and what every client was answered.

`Orders` are those in the record. `Undecided` are tries that nobody answered or that were told to come back, over the whole run; a calm run has some. `Lost` to `Counter` count broken rules, each explained in `loadtest/README.md`. `Back after` is the
time from the end of the fault (a killed process is started, a way is open again) until **every** node had accepted an order again; a start
of the process is part of it. – where the fault lasts for the whole run.
";

impl Table {
    /// A case that this machine cannot run breaks no rule; it is shown.
    pub fn is_clean(&self) -> bool {
        self.rows.iter().all(Row::is_clean)
    }

    pub fn words(&self) -> String {
        self.rows.iter().map(|row| row.words() + "\n").collect()
    }

    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        std::fs::write(path, self.page()).map_err(Failure::file(path))
    }

    fn page(&self) -> String {
        let Table { seed, stock, demand, nodes, rows } = self;
        let mut page = format!(
            "{HEAD}\n    make chaos\n    target/release/loadtest chaos --seed {seed} --stock {stock} --demand {demand} --nodes {nodes}\n\n\
             Measured with the second command: {nodes} nodes, a stock of {stock}, {} wishes in each run, on 2 cores that everything shares.\n\n\
             | Fault | Case | Orders | Undecided | Lost | Oversold | Undersold | Double effects | Limit | Counter | Back after |\n\
             |---|---|---|---|---|---|---|---|---|---|---|\n",
            stock * demand
        );
        for row in rows {
            page += &row.line();
        }
        page
    }
}

impl Row {
    fn is_clean(&self) -> bool {
        match &self.told {
            Told::Judged(judged) => judged.broken.iter().all(|count| *count == 0),
            Told::NotRun(_) => true,
            Told::Failed(_) => false,
        }
    }

    fn line(&self) -> String {
        let (sentence, name) = (self.fault.sentence(), self.fault.name());
        match &self.told {
            Told::Judged(judged) => {
                let Judged { orders, undecided, broken, .. } = judged;
                let [oversold, undersold, lost, twice, limit, counter] = broken;
                let seen = judged.seen.as_ref().map_or(String::new(), |seen| format!("; {seen}"));
                let back =
                    judged.recovered_in.map_or("–".into(), |took| format!("{} ms", took.as_millis()));
                format!(
                    "| {sentence}{seen} | `{name}` | {orders} | {undecided} | {lost} | {oversold} | {undersold} | {twice} | {limit} | \
                     {counter} | {back} |\n"
                )
            }
            Told::NotRun(why) => {
                format!("| {sentence} | `{name}` | not run: {} | | | | | | | | |\n", one_line(why))
            }
            Told::Failed(why) => {
                format!("| {sentence} | `{name}` | broke off: {} | | | | | | | | |\n", one_line(why))
            }
        }
    }

    pub fn words(&self) -> String {
        let name = self.fault.name();
        match &self.told {
            Told::Judged(Judged {
                orders,
                broken,
                unsold,
                accepted,
                undecided,
                seen,
                recovered_in,
                findings,
            }) => {
                let counts =
                    Rule::ALL.iter().zip(broken).map(|(rule, count)| format!("{} {count}", rule.key()));
                let counts = counts.collect::<Vec<_>>().join(", ");
                let back = recovered_in
                    .map_or(String::new(), |took| format!(", back after {} ms", took.as_millis()));
                let seen = seen.as_ref().map_or(String::new(), |seen| format!(" ({seen})"));
                let findings: String = findings.iter().map(|finding| format!("\n    {finding}")).collect();
                format!(
                    "{name:>18} {orders} orders, {counts}, unsold {unsold}, accepted by node {accepted:?}, undecided {undecided}\
                     {back}{seen}{findings}"
                )
            }
            Told::NotRun(why) => format!("{name:>18} not run: {why}"),
            Told::Failed(why) => format!("{name:>18} broke off: {why}"),
        }
    }

    pub fn to_json(&self) -> Value {
        let mut keys = json!({
            "case": self.fault.name(), "fault": self.fault.sentence(), "seed": self.seed, "clean": self.is_clean(),
        });
        let told = match &self.told {
            Told::Judged(Judged {
                orders,
                broken,
                unsold,
                accepted,
                undecided,
                seen,
                recovered_in,
                findings,
            }) => {
                let mut told = json!({
                    "orders": orders, "unsold": unsold, "accepted_by_node": accepted, "undecided": undecided, "seen": seen,
                    "findings": findings, "recovered_ms": recovered_in.map(|took| took.as_millis() as u64),
                });
                for (rule, count) in Rule::ALL.iter().zip(broken) {
                    told[rule.key()] = json!(count);
                }
                told
            }
            Told::NotRun(why) => json!({"not_run": why}),
            Told::Failed(why) => json!({"broke_off": why}),
        };
        if let (Value::Object(keys), Value::Object(told)) = (&mut keys, told) {
            keys.extend(told);
        }
        keys
    }
}

fn one_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.replace('|', "/")
}
