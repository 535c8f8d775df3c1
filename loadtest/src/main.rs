mod checker; mod contract; mod failure; mod history;
fn main() {}
