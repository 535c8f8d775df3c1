//! What Redis is asked for: it depends on flushes and nodes, and not on viewers or messages.

use apricot_servers::{Redis as Server, or_skip};

use super::{live, say, single};
use crate::room::company::{Company, Guest};
use crate::room::scene::{NOW, host, order_view, viewer};
use crate::sale::News;

/// Calls of Functions, by the server's own statistics.
fn calls(server: &Server) -> u64 {
    let statistics = server.command(&["INFO", "commandstats"]).expect("statistics");
    let line = statistics.lines().find_map(|line| line.strip_prefix("cmdstat_fcall:calls="));
    let count = line.and_then(|line| line.split(',').next()).expect("Functions were called");
    count.parse().expect("a number")
}

/// Of a burst on the first node, until all viewers have it: lines, news of orders and hearts.
async fn calls_of_a_burst(viewers: usize, messages: u64) -> u64 {
    let Some(server) = or_skip(Server::start()) else { return 0 };
    let company = Company::of(&[single(&server), single(&server)]).await;
    let mut guests = Vec::with_capacity(viewers);
    for number in 0..viewers {
        let hub = if number % 2 == 0 { company.here() } else { company.there() };
        guests.push(Guest::of(hub, viewer(&format!("viewer-{number}"))).await);
    }
    let before = calls(&server);
    for number in 0..messages {
        say(company.here(), &host(), &number.to_string()).await;
        company.here().tell(&News::Order(order_view(&viewer("viewer-1")).into()), NOW);
        live(company.here()).heart(1);
    }
    for guest in &mut guests {
        // The chat ring holds the last 128; a viewer that reads late skips the ones before.
        let last = (messages - 1).to_string();
        guest.until("the last line", |guest| guest.lines().last() == Some(&last.as_str())).await;
        guest.until("all hearts", |guest| guest.state().hearts == messages).await;
    }
    calls(&server) - before
}

#[tokio::test]
async fn viewers_cost_redis_nothing() {
    let (few, many) = (calls_of_a_burst(2, 50).await, calls_of_a_burst(200, 50).await);
    assert!(many <= few + 3, "{few} calls for 2 viewers, {many} for 200");
}

#[tokio::test]
async fn messages_share_a_call() {
    let (few, many) = (calls_of_a_burst(4, 5).await, calls_of_a_burst(4, 200).await);
    assert!(many <= few + 3, "{few} calls for 5 messages, {many} for 200");
}
