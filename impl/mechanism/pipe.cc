#include "impl/mechanism/pipe.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace ipcspec {
namespace {

int64_t Up(int64_t n, int64_t unit) { return (n + unit - 1) / unit; }

// The number of a power of two pages that holds `pages`.
int64_t PowerOfTwo(int64_t pages) {
  int64_t power = 1;
  while (power < pages) power *= 2;
  return power;
}

}  // namespace

Pipe::Pipe(const Dialect& dialect) : page_(dialect.page_size) {}

// A write may have started a page of its own, or its odd bytes may have joined the page before:
// whichever takes more.
int64_t Pipe::PagesAtWorst(const Chunk& chunk) const {
  const int64_t size = static_cast<int64_t>(chunk.data.size());
  if (size <= page_) return 1;
  const int64_t joined = std::min(chunk.odd, size);
  const int64_t own_page = Up(size, page_) - chunk.begin / page_;
  const int64_t in_page_before = (chunk.begin < joined ? 1 : 0) + Up(size - joined, page_) -
                                 std::max<int64_t>(chunk.begin - joined, 0) / page_;
  return std::max(own_page, in_page_before);
}

int64_t Pipe::FreePagesForSure() const {
  int64_t free = pages_;
  for (const Chunk& chunk : chunks_) free -= PagesAtWorst(chunk);
  return std::max<int64_t>(free, 0);
}

bool Pipe::CertainlyFits(int64_t size) const { return Up(size, page_) <= FreePagesForSure(); }

int64_t Pipe::PagesAsLinux() const {
  int64_t pages = 0;
  for (const Chunk& chunk : chunks_) {
    const int64_t own = static_cast<int64_t>(chunk.data.size()) - chunk.head;
    pages += Up(own, page_) - std::max<int64_t>(chunk.begin - chunk.head, 0) / page_;
  }
  // The page that the first chunk joined is still there while a byte of its head is.
  if (!chunks_.empty() && chunks_.front().begin < chunks_.front().head) ++pages;
  return pages;
}

int64_t Pipe::JoinsAsLinux(int64_t size) const {
  if (chunks_.empty() || chunks_.back().packet) return 0;
  const int64_t odd = size % page_;
  return last_page_ + odd <= page_ ? odd : 0;
}

int64_t Pipe::RoomAsLinux(int64_t whole, int64_t size) const {
  const int64_t free = (pages_ - PagesAsLinux()) * page_;
  return std::clamp<int64_t>(JoinsAsLinux(whole) + free, 0, size);
}

void Pipe::Put(std::string_view data, int64_t whole, bool packets, Choice& choice) {
  int64_t size = static_cast<int64_t>(data.size());
  const int64_t joins = std::min(JoinsAsLinux(whole), size);
  // pipe(2) makes packets of a write with O_DIRECT. Linux lets its odd bytes join stream data that
  // had been written without O_DIRECT, where they fit into the last page: as both kinds in one pipe
  // are documented nowhere, either is allowed.
  if (packets && joins > 0 && choice.Hidden(2) == 0) {
    Put(data.substr(0, joins), joins, false, choice);
    data.remove_prefix(joins);
    if (data.empty()) return;
    size -= joins;
  }
  bytes_ += size;
  if (packets) {
    for (size_t at = 0; at < data.size(); at += kPipeBuf) {
      chunks_.push_back({.data = std::string(data.substr(at, kPipeBuf)), .packet = true});
    }
    last_page_ = page_;
    return;
  }
  last_page_ = joins == size ? last_page_ + size : (size - joins - 1) % page_ + 1;
  chunks_.push_back({.data = std::string(data), .head = joins, .odd = whole % page_});
}

Result Pipe::Read(int64_t count, bool nonblock, const Caller& caller, Choice& choice) {
  if (count == 0) return Done(0);
  if (bytes_ == 0) {
    if (writers_ == 0) return Done(0);  // end-of-file, pipe(7)
    if (nonblock) return Fail(EAGAIN);  // read(2)
    return SleepOrInterrupted(caller);  // pipe(7)
  }
  Outcome outcome;
  size_t used = 0;
  for (Chunk& chunk : chunks_) {
    const int64_t taken = static_cast<int64_t>(outcome.data.size());
    if (taken == count) break;
    const int64_t part = std::min(count - taken, chunk.unread());
    // Whether a read that has stream data takes a packet in addition is not said.
    if (chunk.packet && taken > 0 && choice.SawSuccess() && choice.seen()->ret == taken) break;
    outcome.data.append(chunk.data, chunk.begin, part);
    // The rest of a packet is discarded, and the read ends with it (pipe(2)).
    bytes_ -= chunk.packet ? chunk.unread() : part;
    chunk.begin += chunk.packet ? chunk.unread() : part;
    if (chunk.unread() == 0) ++used;
    if (chunk.packet) break;
  }
  chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<std::ptrdiff_t>(used));
  if (chunks_.empty()) last_page_ = 0;
  outcome.ret = static_cast<int64_t>(outcome.data.size());
  return Done(std::move(outcome));
}

Result Pipe::Write(std::string_view data, bool nonblock, bool packets, const Caller& caller,
                   Choice& choice) {
  const int64_t size = static_cast<int64_t>(data.size());
  if (size == 0) {
    // write(2) leaves it open whether errors are looked for.
    return readers_ == 0 && choice.SawError(EPIPE) ? WriteWithoutReaders(caller, choice) : Done(0);
  }
  if (readers_ == 0) return WriteWithoutReaders(caller, choice);
  if (size <= kPipeBuf) return WriteWhole(data, nonblock, packets, caller, choice);
  if (!nonblock || caller.progress->amount > 0) {
    return WritePart(data, nonblock, packets, caller, choice);
  }

  // pipe(7): more than PIPE_BUF without blocking goes in as far as it does; POSIX.1-2024 write():
  // what can be written is.
  const int64_t most = std::min(size, capacity() - bytes_);
  const int64_t least = std::min(size, FreePagesForSure() * page_);
  if (most == 0) return Fail(EAGAIN);
  const int64_t usual = RoomAsLinux(size, size);
  if (least == 0 && !choice.MayGoOn(usual > 0)) return Fail(EAGAIN);
  const int64_t written = choice.Number(std::max<int64_t>(least, 1), most, std::max(usual, least));
  Put(data.substr(0, written), size, packets, choice);
  return Done(written);
}

Result Pipe::WriteWithoutReaders(const Caller& caller, Choice& choice) const {
  Result broken = Fail(EPIPE);
  broken.raises = SIGPIPE;
  const int64_t amount = caller.progress->amount;
  if (amount == 0 || choice.SawError(EPIPE)) return broken;
  // A part is written: that number comes back, and whether SIGPIPE comes too is not said.
  Result partial = Done(amount);
  if (choice.Hidden(2) == 0) partial.raises = SIGPIPE;
  return partial;
}

Result Pipe::WriteWhole(std::string_view data, bool nonblock, bool packets, const Caller& caller,
                        Choice& choice) {
  const int64_t size = static_cast<int64_t>(data.size());
  const bool goes_in = CertainlyFits(size) ||
                       (PossiblyFits(size) && choice.MayGoOn(RoomAsLinux(size, size) == size));
  if (!goes_in) return nonblock ? Fail(EAGAIN) : SleepOrInterrupted(caller);
  Put(data, size, packets, choice);
  return Done(size);
}

Result Pipe::WritePart(std::string_view data, bool nonblock, bool packets, const Caller& caller,
                       Choice& choice) {
  const int64_t size = static_cast<int64_t>(data.size());
  int64_t& amount = caller.progress->amount;
  const int64_t rest = size - amount;
  const int64_t room = std::min(rest, capacity() - bytes_);
  const int64_t certain = std::min(rest, FreePagesForSure() * page_);
  const int64_t whole = amount == 0 ? size : 0;  // a later part begins with a page of its own

  if ((caller.interrupted || nonblock) && amount > 0 &&
      (!choice.SawSuccess() || choice.seen()->ret <= amount + room)) {
    // write(2): interrupted after a part, it says how much. That may be more than had shown yet.
    const int64_t total = choice.Number(amount, amount + room, amount);
    if (total > amount) Put(data.substr(amount, total - amount), whole, packets, choice);
    return Done(total);
  }
  int64_t part = 0;
  if (choice.mode() == Choice::Mode::kSleepy) {
    part = certain;
  } else if (choice.flow_target >= 0) {
    part = std::clamp<int64_t>(choice.flow_target - bytes_, 0, room);
  } else if (choice.SawSuccess() && room == rest) {
    part = rest;
  } else {
    part = std::max(RoomAsLinux(whole, rest), certain);
  }
  if (caller.interrupted && certain == 0 && (part == 0 || choice.SawError(EINTR))) {
    return Fail(EINTR);
  }
  if (part == 0) return Sleep();
  Put(data.substr(amount, part), whole, packets, choice);
  amount += part;
  return amount == size ? Done(size) : Moved();
}

Result Pipe::GetSize(Choice&) const { return Done(capacity()); }

Result Pipe::SetSize(int64_t size, const Caller& caller, Choice& choice) {
  constexpr int64_t kMost = int64_t{1} << 31;
  if (size < 0 || size > kMost) return Fail(EINVAL);
  // fcntl(2): at least what is asked for, rounded up to what suits the kernel; Linux takes the next
  // power of two pages.
  const int64_t least = std::max<int64_t>(Up(size, page_), 1) * page_;
  const int64_t usual = PowerOfTwo(least / page_) * page_;
  const bool privileged = caller.creds.uid == 0 && caller.dialect->cap_sys_resource;
  const int64_t limit = caller.dialect->pipe_max_size;
  int64_t worst = 0;
  for (const Chunk& chunk : chunks_) worst += PagesAtWorst(chunk);

  Errors errors;
  errors.If(!privileged && least > limit && least > capacity(), EPERM);
  errors.If(bytes_ > usual, EBUSY);
  if (errors.any()) return choice.FailWithAny(errors);
  // Not certain: what rounding makes of it, and whether a pipe that is above the limit may stay so.
  if (!privileged && usual > limit && choice.SawError(EPERM)) return Fail(EPERM);
  if (worst * page_ > usual) {
    const bool busy = choice.mode() == Choice::Mode::kSeen ? choice.SawError(EBUSY)
                                                           : PagesAsLinux() * page_ > usual;
    if (busy) return Fail(EBUSY);
  }
  const int64_t set = choice.Number(least, kMost, usual);
  pages_ = Up(set, page_);
  return Done(set);
}

Result Pipe::Fionread(Choice&) const {
  Outcome outcome = Returns(0);
  outcome.values = {bytes_};
  return Done(std::move(outcome));
}

Ready Pipe::Poll(bool reads, bool writes, int64_t events, int64_t opened_at) const {
  Ready ready;
  if (reads) {
    if (bytes_ > 0) ready.must |= POLLIN;
    if (writers_ == 0) {
      // A FIFO that has had no writer since it was opened is not hung up on Linux; POSIX.1-2024
      // poll() does not say.
      ready.may |= POLLHUP | POLLIN;
      if (writer_opens_ > opened_at) ready.must |= POLLHUP;
    }
  }
  if (writes) {
    if (CertainlyFits(kPipeBuf)) ready.must |= POLLOUT;
    if (bytes_ < capacity()) ready.may |= POLLOUT;
    if (readers_ == 0) {
      ready.must |= POLLERR;
      ready.must &= ~POLLOUT;
      ready.may |= POLLOUT;
    }
  }
  const int64_t shown = events | POLLERR | POLLHUP;
  ready.must &= shown;
  ready.may = (ready.may | ready.must) & shown;
  return ready;
}

void Pipe::MayEmpty() {
  if (readers_ > 0 || writers_ > 0) return;
  chunks_.clear();
  bytes_ = last_page_ = 0;
  pages_ = kDefaultPages;
  reader_opens_ = writer_opens_ = 0;
}

Result Pipe::OpenFifo(bool reads, bool writes, bool nonblock, const Caller& caller,
                      Choice& choice) {
  Progress& progress = *caller.progress;
  if (progress.phase == 0) {
    if (writes && !reads && nonblock) {
      if (readers_ == 0) return Fail(ENXIO);
      // Readers that are still waiting in open: open enough for Linux, but not said to be.
      if (readers_ == waiting_readers_ && choice.SawError(ENXIO)) return Fail(ENXIO);
    }
    const bool partner = reads ? writers_ > 0 : readers_ > 0;
    if (reads) OpenReader();
    if (writes) OpenWriter();
    if ((reads && writes) || nonblock || partner) return Done(0);
    ++(reads ? waiting_readers_ : waiting_writers_);
    progress.phase = 1;
    progress.mark = reads ? writer_opens_ : reader_opens_;
    return Moved();
  }
  if ((reads ? writer_opens_ : reader_opens_) > progress.mark) {
    --(reads ? waiting_readers_ : waiting_writers_);
    progress.phase = 0;
    return Done(0);
  }
  if (!caller.interrupted) return Sleep();
  AbandonOpen(reads, progress);
  progress.phase = 0;
  return Fail(EINTR);
}

void Pipe::AbandonOpen(bool reads, const Progress& progress) {
  if (progress.phase == 0) return;
  --(reads ? waiting_readers_ : waiting_writers_);
  reads ? CloseReader() : CloseWriter();
}

}  // namespace ipcspec
