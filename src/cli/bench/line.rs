//! A line to a server on which everything takes its time, each way.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// What is read at once.
const BLOCK: usize = 256 << 10;

/// Lays a line to `to`, with threads of its own; what comes in goes out after `delay`, in both directions.
///
/// It is as wide as loopback and holds what is under way, so only the time differs from a short line.
pub(super) fn lay(to: SocketAddr, delay: Duration) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            // A client that is not connected sees its connection close.
            connect(&client, to, delay).ok();
        }
    });
    Ok(address)
}

fn connect(client: &TcpStream, to: SocketAddr, delay: Duration) -> io::Result<()> {
    let server = TcpStream::connect(to)?;
    for stream in [client, &server] {
        stream.set_nodelay(true)?;
    }
    carry(client.try_clone()?, server.try_clone()?, delay);
    carry(server, client.try_clone()?, delay);
    Ok(())
}

/// One direction: one thread reads, so that the sender is not held up; the other waits and writes.
fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (put, take) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut block = vec![0; BLOCK];
        while let Ok(size @ 1..) = from.read(&mut block) {
            let bytes = block.get(..size).unwrap_or_default().to_vec();
            if put.send((Instant::now() + delay, bytes)).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in take {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        // Whoever has gone already hears no goodbye.
        to.shutdown(Shutdown::Write).ok();
    });
}
