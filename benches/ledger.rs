//! What the ledger costs: snapshot, claims, intents and results without SMTP, for groups of several sizes.
//!
//! ```text
//! cargo bench --bench ledger
//! ```
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::collections::VecDeque;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use masthead::delivery::DeliveryState;
use masthead::newsletter::{BaseUrl, Letterhead, Mailbox, Slug};
use masthead::postgres::PrivatePostgres;
use masthead::render::Rendered;
use masthead::store::{Due, Entry, Granted, ImportRow, Intent, NewIssue, Outcome, Store};
use masthead::subscriber::EmailAddress;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let postgres = PrivatePostgres::start(folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run(&postgres));
    drop(runtime);
    postgres.remove().unwrap();
}

async fn run(postgres: &PrivatePostgres) {
    let readers: usize = std::env::var("READERS").ok().and_then(|n| n.parse().ok()).unwrap_or(50_000);
    let store = Store::open(&postgres.url()).await.unwrap();
    let newsletter_id = store.newsletter_id(&Slug::parse("weekly").unwrap()).await.unwrap();
    let start = Instant::now();
    for from in (0..readers).step_by(10_000) {
        let rows: Vec<_> = (from..readers.min(from + 10_000))
            .map(|n| ImportRow {
                address: EmailAddress::parse(&format!("reader-{n}@example.com")).unwrap(),
                name: None,
                unsubscribed: false,
            })
            .collect();
        store.import(newsletter_id, &rows, "imported", "bench").await.unwrap();
    }
    println!("import: {:.0} rows/s", readers as f64 / start.elapsed().as_secs_f64());
    for (number, group) in [32, 8, 128, 32, 512].into_iter().enumerate() {
        let rendered = Rendered {
            subject: "s".into(),
            preheader: "p".into(),
            html: "h".into(),
            text: "t".into(),
            seal: "x".into(),
        };
        let letterhead = Letterhead {
            slug: Slug::parse("weekly").unwrap(),
            name: "n".into(),
            from: Mailbox::parse("editor@example.com").unwrap(),
            reply_to: None,
            base_url: BaseUrl::parse("https://news.example.com").unwrap(),
        };
        let new = NewIssue {
            newsletter_id,
            number: number as u32 + 1,
            source_digest: &[1],
            title: "t",
            rendered: &rendered,
            letterhead: &letterhead,
            date: None,
            links: &[],
            rate: None,
        };
        let issue = store.freeze_issue(&new).await.unwrap();
        let start = Instant::now();
        store.snapshot(issue.id).await.unwrap();
        let snapshot = start.elapsed();
        let wal = wal(postgres);
        let cpu = (cpu_of(postgres), cpu_of_self());
        let start = Instant::now();
        send(&store, newsletter_id, issue.id, group).await;
        let took = start.elapsed();
        let per = |n: f64| n / readers as f64;
        println!(
            "group {group}: {:.0}/s, postgres {:.1} µs, self {:.1} µs, WAL {:.0} B per reader; snapshot {snapshot:?}",
            readers as f64 / took.as_secs_f64(),
            per((cpu_of(postgres) - cpu.0).as_secs_f64() * 1e6),
            per((cpu_of_self() - cpu.1).as_secs_f64() * 1e6),
            per((self::wal(postgres) - wal) as f64),
        );
    }
    store.close().await;
}

async fn send(store: &Store, newsletter_id: i32, issue_id: i64, group: usize) {
    let worker = store.register_worker(issue_id, "bench", 1).await.unwrap();
    let mut due: VecDeque<Due> = VecDeque::new();
    let mut entries: Vec<Entry> = Vec::new();
    let mut held = Vec::new();
    let mut session = store.session();
    loop {
        while due.len() < group {
            let Some(chunk) = store.claim(worker.id, issue_id, false).await.unwrap() else { break };
            held.push(chunk.id);
            due.extend(store.due(&chunk).await.unwrap());
        }
        let next: Vec<_> = due.drain(..group.min(due.len())).collect();
        let intents: Vec<_> = next
            .iter()
            .map(|due| Intent { subscriber_id: due.subscriber_id, step: due.step + 1, attempt: 1 })
            .collect();
        if intents.is_empty() && entries.is_empty() {
            break;
        }
        let settled = session.commit(worker.id, newsletter_id, issue_id, &entries, &intents).await.unwrap();
        assert!(settled.lost == 0 && settled.granted.iter().all(|granted| *granted == Granted::Go));
        entries = intents
            .iter()
            .map(|intent| Entry {
                subscriber_id: intent.subscriber_id,
                step: intent.step,
                attempt: 1,
                was_granted: true,
                state: DeliveryState::Accepted,
                next_in: None,
                class: None,
                reply: Some("250 2.0.0 Ok: queued as 4Zk1Yx2mQz".into()),
            })
            .collect();
        if held.len() > 4 {
            store.finish(worker.id, &held.drain(..2).collect::<Vec<_>>()).await.unwrap();
        }
    }
    store.finish(worker.id, &held).await.unwrap();
    worker.leave().await.unwrap();
    assert_eq!(store.settle_issue(issue_id).await.unwrap(), Outcome::SentNow);
}

fn wal(postgres: &PrivatePostgres) -> u64 {
    let out = Command::new(postgres.programs_folder().join("psql"))
        .env("PGHOST", postgres.socket_folder())
        .args(["-U", "masthead", "-p", "5432", "-Atc", "select pg_current_wal_lsn() - '0/0'", "masthead"])
        .output()
        .unwrap();
    String::from_utf8(out.stdout).unwrap().trim().parse().unwrap()
}

/// CPU time of the processes that the server has now.
fn cpu_of(postgres: &PrivatePostgres) -> Duration {
    let data = postgres.socket_folder().parent().unwrap().join("data");
    let mut ticks = 0;
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        if let Ok(stat) = fs::read_to_string(entry.path().join("stat"))
            && fs::read_link(entry.path().join("cwd")).is_ok_and(|folder| folder == data)
        {
            ticks += ticks_in(&stat);
        }
    }
    Duration::from_millis(10 * ticks)
}

fn cpu_of_self() -> Duration {
    Duration::from_millis(10 * ticks_in(&fs::read_to_string("/proc/self/stat").unwrap()))
}

fn ticks_in(stat: &str) -> u64 {
    let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
