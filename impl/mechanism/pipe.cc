// What a pipe does with each call; see pipe.h for the idea.
//
// Page counts come twice: at worst, which bounds what is certain, and as Linux packs, which only
// serves to play. What the documents leave open is decided by the Choice, never by Linux's count.
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

Pipe::Pipe(const Dialect& dialect)
    : page_(dialect.page_size),
      // pipe(7): since Linux 4.9, the limit bounds the default as well.
      default_capacity_(std::min(kDefaultPages * page_, std::max(dialect.pipe_max_size, page_))),
      capacity_(default_capacity_) {}

// A write may have started a page of its own, or its odd bytes may have joined the page before:
// whichever takes more.
int64_t Pipe::PagesAtWorst(const Chunk& chunk) const {
  const int64_t size = static_cast<int64_t>(chunk.data.size());
  const auto pages = [&](int64_t head) {
    head = std::min(head, size);
    return (chunk.begin < head ? 1 : 0) + Up(size - head, page_) -
           std::max<int64_t>(chunk.begin - head, 0) / page_;
  };
  return std::max(pages(chunk.head_alone), pages(chunk.head_joined));
}

int64_t Pipe::FreePagesForSure() const {
  int64_t free = slots();
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
  const int64_t free = (slots() - PagesAsLinux()) * page_;
  return std::clamp<int64_t>(JoinsAsLinux(whole) + free, 0, size);
}

int64_t Pipe::StreamsAhead(int64_t whole, bool packets, Choice& choice) const {
  // pipe(2) makes packets of a write with O_DIRECT. Linux lets its odd bytes join stream data that
  // had been written without O_DIRECT, where they fit into the last page: as both kinds in one pipe
  // are documented nowhere, either is allowed.
  const int64_t joins = packets ? JoinsAsLinux(whole) : 0;
  return joins > 0 && choice.Hidden(2) == 0 ? joins : 0;
}

void Pipe::Put(std::string_view data, int64_t from, int64_t to, bool packets, int64_t ahead) {
  if (packets && ahead > 0) {
    ahead = std::min(ahead, to);
    Put(data.substr(0, ahead), 0, ahead, false, 0);
    from = ahead;
  }
  const int64_t size = to - from;
  if (size == 0) return;
  bytes_ += size;
  if (packets) {
    for (int64_t at = from; at < to; at += kPipeBuf) {
      chunks_.push_back(
          {.data = std::string(data.substr(at, std::min(kPipeBuf, to - at))), .packet = true});
    }
    last_page_ = page_;
    return;
  }
  const int64_t whole = static_cast<int64_t>(data.size());
  const int64_t joins = from == 0 ? std::min(JoinsAsLinux(whole), size) : 0;
  last_page_ = joins == size ? last_page_ + size : (size - joins - 1) % page_ + 1;
  // Only a stream's page can be joined.
  const bool alone = from == 0 && (chunks_.empty() || chunks_.back().packet);
  const auto to_border = [this](int64_t n) { return (page_ - n % page_) % page_; };
  const int64_t head_alone = to_border(from);
  const int64_t head_joined = from == 0 ? whole % page_ : to_border(from - whole % page_ + page_);
  chunks_.push_back({.data = std::string(data.substr(from, size)),
                     .head = joins,
                     .head_alone = head_alone,
                     .head_joined = alone ? head_alone : head_joined});
}

Result Pipe::Read(int64_t count, bool nonblock, const Caller& caller, Choice& choice) {
  // EINTR was decided before the handler showed in the history, and much may have changed since.
  if (caller.interrupted && choice.SawError(EINTR)) return Fail(EINTR);
  if (count == 0) {
    // read(2): it may look for errors.
    const bool empty = bytes_ == 0 && writers_ > 0 && nonblock;
    return empty && choice.SawError(EAGAIN) ? Fail(EAGAIN) : Done(0);
  }
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
  if (caller.interrupted && caller.progress->amount == 0 && choice.SawError(EINTR)) {
    return Fail(EINTR);
  }
  if (readers_ == 0) return WriteWithoutReaders(caller, choice);
  if (size <= kPipeBuf) return WriteWhole(data, nonblock, packets, caller, choice);
  if (!nonblock || caller.progress->amount > 0) {
    return WritePart(data, nonblock, packets, caller, choice);
  }

  // pipe(7): more than PIPE_BUF without blocking goes in as far as it does; POSIX.1-2024 write():
  // what can be written is.
  const int64_t most = std::min(size, capacity_ - bytes_);
  const int64_t least = std::min(size, FreePagesForSure() * page_);
  if (most == 0) return Fail(EAGAIN);
  const int64_t usual = RoomAsLinux(size, size);
  if (least == 0 && !choice.MayGoOn(usual > 0)) return Fail(EAGAIN);
  const int64_t written =
      choice.Number(std::max<int64_t>(least, 1), most, std::max({usual, least, int64_t{1}}));
  Put(data, 0, written, packets, StreamsAhead(size, packets, choice));
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
  Put(data, 0, size, packets, StreamsAhead(size, packets, choice));
  return Done(size);
}

Result Pipe::WritePart(std::string_view data, bool nonblock, bool packets, const Caller& caller,
                       Choice& choice) {
  const int64_t size = static_cast<int64_t>(data.size());
  int64_t& amount = caller.progress->amount;
  const int64_t rest = size - amount;
  const int64_t room = std::min(rest, capacity_ - bytes_);
  const int64_t certain = std::min(rest, FreePagesForSure() * page_);
  const int64_t whole = amount == 0 ? size : 0;  // a later part begins with a page of its own

  // A stop, too, may end it there.
  const bool stopped = caller.disturbed && choice.SawSuccess() && choice.seen()->ret < size;
  if ((caller.interrupted || stopped || nonblock) && amount > 0 &&
      (!choice.SawSuccess() || choice.seen()->ret <= amount + room)) {
    // write(2): interrupted after a part, it says how much. That may be more than had shown yet.
    const int64_t total = choice.Number(amount, amount + room, amount);
    if (total > amount) Put(data, amount, total, packets, 0);
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
  const int64_t ahead = amount == 0 ? StreamsAhead(size, packets, choice) : 0;
  if (packets && part < rest) {  // a packet goes in whole
    const int64_t border = (amount + ahead) % kPipeBuf;
    part = border + (amount + part - border) / kPipeBuf * kPipeBuf - amount;
  }
  if (part <= 0) return SleepOrInterrupted(caller);
  Put(data, amount, amount + part, packets, ahead);
  amount += part;
  return amount == size ? Done(size) : Moved();
}

Result Pipe::GetSize(Choice&) const { return Done(capacity_); }

Result Pipe::SetSize(int64_t size, const Caller& caller, Choice& choice) {
  constexpr int64_t kMost = int64_t{1} << 31;
  const bool privileged = caller.Can(Capability::kSysResource);
  const int64_t limit = caller.dialect->pipe_max_size;
  Errors errors;
  if (size < 0 || size > kMost) {
    errors.If(true, EINVAL);
    errors.If(!privileged, EPERM);
    return choice.FailWithAny(errors);
  }
  // fcntl(2): at least what is asked for, and a page; Linux takes the next power of two pages.
  const int64_t least = std::max(size, page_);
  const int64_t usual = PowerOfTwo(Up(least, page_)) * page_;
  int64_t worst = 0;
  for (const Chunk& chunk : chunks_) worst += PagesAtWorst(chunk);

  errors.If(!privileged && least > limit && least > capacity_, EPERM);
  errors.If(bytes_ > usual, EBUSY);
  if (errors.any()) return choice.FailWithAny(errors);
  // Not certain: what rounding makes of it, whether a pipe that is above the limit may stay so,
  // and whether there is memory for more than the limit.
  if (!privileged && usual > limit && choice.SawError(EPERM)) return Fail(EPERM);
  if (usual > limit && choice.SawError(ENOMEM)) return Fail(ENOMEM);
  if (bytes_ > least || worst * page_ > least) {
    const bool busy = choice.mode() == Choice::Mode::kSeen ? choice.SawError(EBUSY)
                                                           : PagesAsLinux() * page_ > usual;
    if (busy) return Fail(EBUSY);
  }
  capacity_ = choice.Number(std::max(least, bytes_), kMost, usual);
  return Done(capacity_);
}

Result Pipe::Fionread(Choice&) const {
  Outcome outcome = Returns(0);
  outcome.values = {bytes_};
  return Done(std::move(outcome));
}

Ready Pipe::Poll(bool reads, bool writes, int64_t events, int64_t opened_at) const {
  constexpr int64_t kIn = POLLIN | POLLRDNORM, kOut = POLLOUT | POLLWRNORM;
  Ready ready;
  if (reads) {
    if (bytes_ > 0) ready.must |= kIn;
    if (writers_ == 0) {
      // A FIFO that has had no writer since it was opened is not hung up on Linux; POSIX.1-2024
      // poll() does not say.
      ready.may |= POLLHUP | kIn;
      if (writer_opens_ > opened_at) ready.must |= POLLHUP;
    }
  }
  if (writes) {
    if (CertainlyFits(kPipeBuf)) ready.must |= kOut;
    if (bytes_ < capacity_) ready.may |= kOut;
    if (readers_ == 0) {
      ready.must |= POLLERR;
      ready.must &= ~kOut;
      ready.may |= kOut;
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
  capacity_ = default_capacity_;
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
  // EINTR was decided before the handler showed: the other end may have been opened since.
  const bool decided = caller.interrupted && choice.SawError(EINTR);
  if (!decided && (reads ? writer_opens_ : reader_opens_) > progress.mark) {
    --(reads ? waiting_readers_ : waiting_writers_);
    progress.phase = 0;
    return Done(0);
  }
  if (!caller.interrupted) return Sleep();
  AbandonOpen(reads);
  progress.phase = 0;
  return Fail(EINTR);
}

void Pipe::AbandonOpen(bool reads) {
  --(reads ? waiting_readers_ : waiting_writers_);
  reads ? CloseReader() : CloseWriter();
}

}  // namespace ipcspec
