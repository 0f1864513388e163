// Pipe: the bytes between a write end and a read end: pipe(7), fifo(7), pipe(2), fcntl(2).
//
// A pipe holds up to its capacity in bytes. Writes of up to PIPE_BUF bytes go in whole, at one
// moment; larger ones may go in parts, mixed with others. Reads take what is there, up to what they
// ask for. Without writers an empty pipe gives end-of-file; without readers a write fails with
// EPIPE and raises SIGPIPE. With O_DIRECT each write is a packet, and a read takes one packet.
//
// Capacity is not exact: pages hold the data, and with small writes less may fit than the capacity
// says (fcntl(2)). So there are two limits. Room is *possible* while the
// bytes stay within the capacity. Room is *certain* while the pages would do even if every write
// had started a page of its own. Between the two, the documents leave open whether a write goes in.
//
// A FIFO is the same pipe with a name; opening it waits for the other end (OpenFifo). The pipe does
// not know descriptors or tasks: its caller says what counts.
#ifndef IPCSPEC_IMPL_MECHANISM_PIPE_H_
#define IPCSPEC_IMPL_MECHANISM_PIPE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "impl/mechanism/step.h"
#include "impl/reference/dialect.h"

namespace ipcspec {

// What poll(2) shows of a descriptor: everything in `must`, nothing outside `may`.
struct Ready {
  int64_t must = 0;
  int64_t may = 0;
};

class Pipe {
 public:
  static constexpr int64_t kDefaultPages = 16;  // pipe(7), since Linux 2.6.11
  static constexpr int64_t kPipeBuf = 4096;     // PIPE_BUF on Linux, pipe(7)

  // A pipe that nobody has open. Its capacity is the default, at most the limit of the system.
  explicit Pipe(const Dialect& dialect = Dialect());

  // Takes up to `count` bytes: min(count, what is there), or 0 at end-of-file. EAGAIN, EINTR.
  Result Read(int64_t count, bool nonblock, const Caller& caller, Choice& choice);
  // Puts `data` in. EAGAIN, EINTR, EPIPE (with SIGPIPE). A blocking write of more than PIPE_BUF
  // bytes works in parts: Progress::amount is what is in, Choice::flow_target how many bytes the
  // pipe shall hold after this part.
  Result Write(std::string_view data, bool nonblock, bool packets, const Caller& caller,
               Choice& choice);

  // fcntl(2) F_GETPIPE_SZ and F_SETPIPE_SZ: bytes. EBUSY, EINVAL, EPERM.
  Result GetSize(Choice& choice) const;
  Result SetSize(int64_t size, const Caller& caller, Choice& choice);
  // ioctl(2) FIONREAD; values: unread bytes.
  Result Fionread(Choice& choice) const;
  // poll(2) of an end that is open for reading, writing or both, asked for `events`. `opened_at` is
  // what WriterMark() was when it was opened.
  Ready Poll(bool reads, bool writes, int64_t events, int64_t opened_at) const;
  // Counts writers, for ends that were opened before there was one.
  int64_t WriterMark() const { return writers_ > 0 ? -1 : writer_opens_; }

  // Open file descriptions that read and that write.
  int readers() const { return readers_; }
  int writers() const { return writers_; }
  void OpenReader() { ++readers_, ++reader_opens_; }
  void OpenWriter() { ++writers_, ++writer_opens_; }
  // The last end that closes takes the data with it.
  void CloseReader() { --readers_, MayEmpty(); }
  void CloseWriter() { --writers_, MayEmpty(); }

  // fifo(7): opening waits for the other end, and goes on even if that has closed again. It never
  // waits with O_NONBLOCK (ENXIO for a writer without readers) or for both directions. While it
  // waits, this end counts as open (Progress::phase is 1): that is how two openers meet. EINTR
  // leaves the end closed. The caller has made a description when this is done.
  Result OpenFifo(bool reads, bool writes, bool nonblock, const Caller& caller, Choice& choice);
  // The opener is gone before it was done.
  void AbandonOpen(bool reads);

  int64_t bytes() const { return bytes_; }
  bool operator==(const Pipe&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const Pipe& p) {
    return H::combine(std::move(h), p.chunks_, p.capacity_, p.readers_, p.writers_,
                      p.waiting_readers_, p.waiting_writers_);
  }

 private:
  // What one write, or one part of a large write, put in.
  struct Chunk {
    std::string data;
    int64_t begin = 0;  // bytes before it are read
    int64_t head = 0;   // bytes that Linux would have put into the last page of the chunk before
    // Bytes up to the first border between pages: if its write began with a page of its own, and
    // if the odd bytes of its write (size % page) joined the page before.
    int64_t head_alone = 0;
    int64_t head_joined = 0;
    bool packet = false;
    int64_t unread() const { return static_cast<int64_t>(data.size()) - begin; }
    bool operator==(const Chunk& other) const {
      return packet == other.packet && Rest() == other.Rest() && data.size() == other.data.size();
    }
    std::string_view Rest() const { return std::string_view(data).substr(begin); }
    // The first bytes tell most chunks apart, and the rest is long.
    template <typename H>
    friend H AbslHashValue(H h, const Chunk& c) {
      return H::combine(std::move(h), c.Rest().substr(0, 16), c.begin, c.data.size(), c.packet);
    }
  };

  int64_t slots() const { return capacity_ / page_; }
  int64_t PagesAtWorst(const Chunk& chunk) const;
  int64_t FreePagesForSure() const;
  bool CertainlyFits(int64_t size) const;
  bool PossiblyFits(int64_t size) const { return bytes_ + size <= capacity_; }
  // Linux's own packing: the pages in use; how many bytes of a new write of `whole` bytes join the
  // last page; how many of `size` bytes go in at once, of a write of `whole` (0: of its later
  // part).
  int64_t PagesAsLinux() const;
  int64_t JoinsAsLinux(int64_t whole) const;
  int64_t RoomAsLinux(int64_t whole, int64_t size) const;
  // How many bytes of a new write of packets go in as a stream.
  int64_t StreamsAhead(int64_t whole, bool packets, Choice& choice) const;
  // Puts in bytes [from, to) of a write of `data`: `ahead` of them as a stream, then packets.
  void Put(std::string_view data, int64_t from, int64_t to, bool packets, int64_t ahead);
  Result WriteWhole(std::string_view data, bool nonblock, bool packets, const Caller& caller,
                    Choice& choice);
  Result WritePart(std::string_view data, bool nonblock, bool packets, const Caller& caller,
                   Choice& choice);
  Result WriteWithoutReaders(const Caller& caller, Choice& choice) const;
  void MayEmpty();

  int64_t page_;
  int64_t default_capacity_;  // bytes
  int64_t capacity_;
  std::vector<Chunk> chunks_;  // in order; none is wholly read
  int64_t bytes_ = 0;          // unread, in all
  int64_t last_page_ = 0;      // bytes that Linux would have used of the last page
  int readers_ = 0, writers_ = 0;
  int waiting_readers_ = 0, waiting_writers_ = 0;  // of these, still waiting in open
  int64_t reader_opens_ = 0, writer_opens_ = 0;    // ever
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_PIPE_H_
