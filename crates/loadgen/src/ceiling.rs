//! The bare loop that a server is compared with: epoll, one thread, one
//! write(2) per connection for all messages of a tick.
//!
//! It writes a frame that the server delivered, with only the stamp replaced,
//! so that both write the same bytes and the same client counts them.

use std::io::{self, Read, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};

use crate::error::BenchError;
use crate::procfs::Process;
use crate::stamp::{self, STAMP_LEN};

/// How long the connections may take to arrive.
const ACCEPT_TIMEOUT: Duration = Duration::from_secs(60);

/// Largest template; a delivered frame is far smaller.
const TEMPLATE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Accepts `connections` and serves them until all are closed: every stamp
/// that arrives on one is written to all, within `template`.
///
/// # Errors
///
/// The template has no stamp, connections do not come in time, or the machine
/// refuses something. A connection that breaks is left out from then on.
pub fn serve(listener: &TcpListener, template: &[u8], connections: usize) -> io::Result<()> {
    let stamp_at = stamp::position(template)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "template without a stamp"))?;
    let mut server = Server {
        epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
        sockets: Vec::with_capacity(connections),
        template,
        stamp_at,
        frames: Vec::new(),
    };
    server.accept(listener, connections)?;
    server.run()
}

struct Server<'a> {
    epoll: std::os::fd::OwnedFd,
    sockets: Vec<Socket>,
    template: &'a [u8],
    stamp_at: usize,
    frames: Vec<u8>,
}

struct Socket {
    stream: TcpStream,
    /// What a full socket did not take.
    backlog: Vec<u8>,
    /// The front of a stamp of which the rest has not arrived.
    partial: Vec<u8>,
    open: bool,
}

impl Server<'_> {
    fn accept(&mut self, listener: &TcpListener, connections: usize) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let deadline = Instant::now() + ACCEPT_TIMEOUT;
        while self.sockets.len() < connections {
            match listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nodelay(true)?;
                    stream.set_nonblocking(true)?;
                    let data = epoll::EventData::new_u64(self.sockets.len() as u64);
                    epoll::add(&self.epoll, &stream, data, epoll::EventFlags::IN)?;
                    self.sockets.push(Socket {
                        stream,
                        backlog: Vec::new(),
                        partial: Vec::new(),
                        open: true,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if Instant::now() > deadline {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn run(&mut self) -> io::Result<()> {
        let mut ready: Vec<epoll::Event> = Vec::with_capacity(256);
        let mut buffer = vec![0; 64 * 1024];
        let timeout = Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        };
        while self.sockets.iter().any(|socket| socket.open) {
            ready.clear();
            let spare = rustix::buffer::spare_capacity(&mut ready);
            match epoll::wait(&self.epoll, spare, Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in &ready {
                // Copied out: the record is packed.
                let (index, flags) = (event.data.u64() as usize, event.flags);
                if flags.contains(epoll::EventFlags::OUT) {
                    self.write(index, &[])?;
                }
                if flags != epoll::EventFlags::OUT {
                    self.read(index, &mut buffer)?;
                }
            }
            self.write_to_all()?;
        }
        Ok(())
    }

    fn read(&mut self, index: usize, buffer: &mut [u8]) -> io::Result<()> {
        let socket = &mut self.sockets[index];
        match socket.stream.read(buffer) {
            Ok(0) => self.close(index)?,
            Ok(len) => {
                socket.partial.extend_from_slice(&buffer[..len]);
                let whole = socket.partial.len() / STAMP_LEN * STAMP_LEN;
                for stamp in socket.partial[..whole].chunks_exact(STAMP_LEN) {
                    let start = self.frames.len() + self.stamp_at;
                    self.frames.extend_from_slice(self.template);
                    self.frames[start..][..STAMP_LEN].copy_from_slice(stamp);
                }
                socket.partial.drain(..whole);
            }
            Err(error) if would_block(&error) => {}
            Err(_) => self.close(index)?,
        }
        Ok(())
    }

    fn write_to_all(&mut self) -> io::Result<()> {
        let frames = std::mem::take(&mut self.frames);
        if !frames.is_empty() {
            for index in 0..self.sockets.len() {
                self.write(index, &frames)?;
            }
        }
        self.frames = frames;
        self.frames.clear();
        Ok(())
    }

    fn write(&mut self, index: usize, bytes: &[u8]) -> io::Result<()> {
        let socket = &mut self.sockets[index];
        if !socket.open {
            return Ok(());
        }
        let had_backlog = !socket.backlog.is_empty();
        if had_backlog {
            socket.backlog.extend_from_slice(bytes);
        }
        let out = if had_backlog { &socket.backlog } else { bytes };
        let written = match socket.stream.write(out) {
            Ok(written) => written,
            Err(error) if would_block(&error) => 0,
            Err(_) => return self.close(index),
        };
        match had_backlog {
            true => drop(socket.backlog.drain(..written)),
            false => socket.backlog.extend_from_slice(&bytes[written..]),
        }
        if had_backlog == socket.backlog.is_empty() {
            let mut interest = epoll::EventFlags::IN;
            interest.set(epoll::EventFlags::OUT, !had_backlog);
            let data = epoll::EventData::new_u64(index as u64);
            epoll::modify(&self.epoll, &socket.stream, data, interest)?;
        }
        Ok(())
    }

    fn close(&mut self, index: usize) -> io::Result<()> {
        let socket = &mut self.sockets[index];
        socket.open = false;
        socket.backlog = Vec::new();
        Ok(epoll::delete(&self.epoll, &socket.stream)?)
    }
}

fn would_block(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// The loop in a process of its own, so that its CPU time is its own.
#[derive(Debug)]
pub struct CeilingProcess {
    child: Child,
    /// Held open: its end tells the child that we are gone.
    _stdin: ChildStdin,
    /// Where it listens.
    pub address: SocketAddr,
}

impl CeilingProcess {
    /// Starts `program ceiling-server` for so many connections.
    ///
    /// # Errors
    ///
    /// `program` does not start or does not say where it listens.
    pub fn start(
        program: &Path,
        template: &[u8],
        connections: usize,
    ) -> Result<CeilingProcess, BenchError> {
        let failed = || BenchError::io(format!("start {} ceiling-server", program.display()));
        let mut child = Command::new(program)
            .args(["ceiling-server", "--connections", &connections.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed())?;
        let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(BenchError::Options("no pipes to the child".to_owned()));
        };
        let mut port = [0; 2];
        stdin
            .write_all(&(template.len() as u64).to_be_bytes())
            .and_then(|()| stdin.write_all(template))
            .and_then(|()| stdin.flush())
            .and_then(|()| stdout.read_exact(&mut port))
            .map_err(failed())?;
        Ok(CeilingProcess {
            child,
            _stdin: stdin,
            address: (Ipv4Addr::LOCALHOST, u16::from_be_bytes(port)).into(),
        })
    }

    /// For its CPU time.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }
}

impl Drop for CeilingProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `ceiling-server` does: reads the template from its input, writes its
/// port to its output, and serves.
///
/// # Errors
///
/// As [`serve`], and the input is not what [`CeilingProcess::start`] writes.
pub fn child_main(connections: usize) -> io::Result<()> {
    let mut len = [0; 8];
    let mut stdin = io::stdin().lock();
    stdin.read_exact(&mut len)?;
    let len = u64::from_be_bytes(len);
    if len > TEMPLATE_BYTES_MAX {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut template = vec![0; len as usize];
    stdin.read_exact(&mut template)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let mut stdout = io::stdout().lock();
    stdout.write_all(&port.to_be_bytes())?;
    stdout.flush()?;
    serve(&listener, &template, connections)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stamp::Stamp;

    fn stamp(seq: u32) -> [u8; STAMP_LEN] {
        Stamp {
            run: 9,
            stream: 0,
            seq,
            sent_ns: 77,
        }
        .encode()
    }

    fn frame(seq: u32) -> Vec<u8> {
        [b"\x81\x40MESSAGE\n\n", &stamp(seq)[..], b"tail\0"].concat()
    }

    #[test]
    fn every_connection_gets_the_template_byte_for_byte_but_for_the_stamp() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || serve(&listener, &frame(0), 3));
        let mut clients: Vec<_> = (0..3)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();

        let burst = [stamp(1), stamp(2), stamp(3)].concat();
        clients[0].write_all(&burst[..50]).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        clients[0].write_all(&burst[50..]).unwrap();
        clients[2].write_all(&stamp(4)).unwrap();

        let mut firsts = [frame(1), frame(2), frame(3)].concat();
        let len = firsts.len() + frame(4).len();
        firsts.truncate(firsts.len() / 3);
        for client in &mut clients {
            let mut got = vec![0; len];
            client.read_exact(&mut got).unwrap();
            assert_eq!(got[..firsts.len()], firsts);
            let mut frames: Vec<_> = got.chunks(firsts.len()).map(<[u8]>::to_vec).collect();
            frames.sort();
            assert_eq!(frames, [frame(1), frame(2), frame(3), frame(4)]);
        }
        drop(clients);
        server.join().unwrap().unwrap();
    }

    #[test]
    fn a_slow_reader_gets_everything_and_holds_up_nobody() {
        const MESSAGES: u32 = 40_000;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let template = [&frame(0)[..], &[b'x'; 1000]].concat();
        let len = template.len() * MESSAGES as usize;
        let server = std::thread::spawn(move || serve(&listener, &template, 2));
        let mut fast = TcpStream::connect(address).unwrap();
        let mut slow = TcpStream::connect(address).unwrap();
        let mut writer = fast.try_clone().unwrap();
        let writing = std::thread::spawn(move || {
            for seq in 0..MESSAGES {
                writer.write_all(&stamp(seq)).unwrap();
            }
        });
        let mut got = vec![0; len];
        fast.read_exact(&mut got).unwrap();
        let mut late = vec![0; len];
        slow.read_exact(&mut late).unwrap();
        assert!(got == late);
        writing.join().unwrap();
        drop((fast, slow));
        server.join().unwrap().unwrap();
    }

    #[test]
    fn a_template_without_a_stamp_is_refused() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(serve(&listener, b"\x81\x00", 0).is_err());
    }
}
