//! Leaves, shares, recounts and receipts over a small honest ledger, and over what a dishonest one would publish.

mod draws;
mod leaves;
mod receipts;
mod recounts;
mod shares;
mod stage;
