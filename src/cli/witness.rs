//! `apricot witness`: signs for somebody else's log that it only ever grew. To be run by people who do not run the log.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use apricot_tlog::checkpoint::Trust;
use apricot_tlog::encoding::from_base64;
use apricot_tlog::merkle::Hash;
use apricot_tlog::note::Signer;
use apricot_tlog::witness::{Answer, REQUEST_BYTES_MAX, Seen, Witness as Rules};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use clap::Args;
use serde_json::json;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::files::read;
use super::signals::Signals;
use super::{Failed, print, runtime};
use crate::clock::Clock;
use crate::wire::listener;

const SEED_BYTES_MAX: u64 = 200;
/// A few keys, and remarks.
const KEYS_BYTES_MAX: u64 = 64 * 1024;
const STATE_BYTES_MAX: u64 = 1024 * 1024;

#[derive(Args)]
pub struct Witness {
    /// The witness's name, such as witness.example/w1: its address without https://
    #[arg(long)]
    name: String,
    /// 32 random bytes in base64, readable by its owner only: `head -c 32 /dev/urandom | base64`
    #[arg(long, value_name = "FILE")]
    seed: PathBuf,
    /// A log's verifier key, as /log/keys has it, one on a line; once for each log
    #[arg(long, value_name = "FILE", required = true)]
    log: Vec<PathBuf>,
    /// Remembers what was signed; made when it is not there. Whoever loses it can be shown another tree
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9091")]
    listen: SocketAddr,
}

struct Desk {
    rules: Rules,
    file: PathBuf,
    /// By origin. Held from judging to storing: no two requests are judged from the same state.
    seen: Mutex<BTreeMap<String, (u64, Hash)>>,
}

impl Witness {
    /// Runs until a signal. Prints its address and its verifier key.
    pub fn run(self) -> Result<(), Failed> {
        let logs = self.log.iter().map(|file| log_of(file)).collect::<Result<Vec<Trust>, _>>()?;
        let text = String::from_utf8(read(&self.seed, SEED_BYTES_MAX)?).unwrap_or_default();
        let seed = from_base64(text.trim()).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let seed =
            seed.ok_or_else(|| Failed::usage(format!("{}: not 32 bytes in base64", self.seed.display())))?;
        let signer = Signer::witness(&self.name, &seed).map_err(|error| Failed::usage(error.to_string()))?;
        let key = signer.verifier().to_string();
        let seen = recall(&self.state)?;
        let desk = Desk { rules: Rules::new(signer, logs), file: self.state, seen: Mutex::new(seen) };
        let router = Router::new()
            .route("/add-checkpoint", post(add_checkpoint))
            .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
            .with_state(Arc::new(desk));
        runtime()?.block_on(async {
            let mut signals = Signals::listen(false)?;
            let socket = listener::bind(self.listen).map_err(Failed::because)?;
            let address = socket.local_addr().map_err(Failed::because)?;
            let stop = CancellationToken::new();
            let serving = tokio::spawn(listener::run(socket, router, None, stop.clone()));
            print(&format!("{}\n", json!({ "listening": address.to_string(), "key": key })))?;
            signals.stop().await;
            stop.cancel();
            serving.await.map_err(Failed::because)
        })
    }
}

async fn add_checkpoint(State(desk): State<Arc<Desk>>, body: Bytes) -> Response {
    let now_s = u64::try_from(Clock::System.now().millis() / 1_000).unwrap_or(0);
    let mut all = desk.seen.lock().await;
    let (mut origin, known) = (String::new(), all.clone());
    let answer = desk.rules.judge(
        &body,
        |of| {
            of.clone_into(&mut origin);
            known.get(of).map(|(size, root)| Seen { size: *size, root: *root })
        },
        now_s,
    );
    if let Answer::Signed { seen, .. } = &answer {
        let mut next = known.clone();
        next.insert(origin, (seen.size, seen.root));
        if let Err(error) = remember(&desk.file, &next) {
            eprintln!("apricot: {}: {error}; nothing was signed", desk.file.display());
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        *all = next;
    }
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, answer.content_type())], answer.body()).into_response()
}

fn log_of(file: &Path) -> Result<Trust, Failed> {
    let refused = |why: String| Failed::usage(format!("{}: {why}", file.display()));
    let text = String::from_utf8(read(file, KEYS_BYTES_MAX)?).map_err(|error| refused(error.to_string()))?;
    Trust::parse(&text).map_err(|error| refused(error.to_string()))
}

fn recall(file: &Path) -> Result<BTreeMap<String, (u64, Hash)>, Failed> {
    if !file.exists() {
        return Ok(BTreeMap::new());
    }
    let bytes = read(file, STATE_BYTES_MAX)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Failed::usage(format!("{}: {error}; it is no state of a witness", file.display())))
}

/// On the disk before anything is answered.
fn remember(file: &Path, seen: &BTreeMap<String, (u64, Hash)>) -> std::io::Result<()> {
    let unfinished = file.with_extension("unfinished");
    let mut written = std::fs::File::create(&unfinished)?;
    serde_json::to_writer(&mut written, seen)?;
    written.sync_all()?;
    std::fs::rename(&unfinished, file)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
