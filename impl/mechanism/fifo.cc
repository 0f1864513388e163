// Opening and closing the ends of a pipe; see fifo.h for the idea.
//
// Open waits in two steps so that two blocking opens can meet: the first makes the end visible, the
// second returns. No step looks at who else waits by name: the counters are all there is.
#include "impl/mechanism/fifo.h"

#include <fcntl.h>

#include "impl/call/check.h"

namespace ipcspec {

void PipeEnds::Leave(End& end) {
  IPCSPEC_CHECK(end.open > 0, "closes an end of a pipe that is not open");
  --end.open;
  if (closed()) *this = PipeEnds();  // fifo(7): the pipe lives while somebody has it open
}

Result PipeEnds::Open(int64_t access, bool nonblock, const Caller& caller, Choice& choice) {
  // fifo(7): reading and writing at once never waits, and ends the waiting of both sides.
  if (access == O_RDWR) {
    OpenReader();
    OpenWriter();
    caller.progress->mark = ReadMark();
    return Done(0);
  }
  if (!nonblock) {
    return access == O_RDONLY ? Rendezvous(read_, write_, caller, choice)
                              : Rendezvous(write_, read_, caller, choice);
  }
  if (access == O_RDONLY) {
    // fifo(7): a nonblocking open for reading succeeds even if nobody writes yet.
    caller.progress->mark = ReadMark();
    OpenReader();
    return Done(0);
  }
  // fifo(7): a nonblocking open for writing needs a reader. One that still waits in open(2) may
  // count or not.
  if (read_.open == 0) return Fail(ENXIO);
  if (read_.open == read_.waiting && choice.SawError(ENXIO)) return Fail(ENXIO);
  OpenWriter();
  return Done(0);
}

Result PipeEnds::Rendezvous(End& own, const End& other, const Caller& caller, Choice& choice) {
  Progress& progress = *caller.progress;
  const bool arrived = progress.phase == 1;
  // A handler may have ended the call before the other side came that is there by now.
  if (caller.interrupted && choice.SawError(EINTR)) {
    if (arrived) {
      --own.waiting;
      Leave(own);
    }
    progress = Progress();
    return Fail(EINTR);
  }
  if (!arrived) {
    progress.mark = other.opened;
    Arrive(own);
    if (other.open == 0) {
      ++own.waiting;
      progress.phase = 1;
      return Moved();
    }
  } else {
    if (other.open == 0 && other.opened == progress.mark) {
      if (!caller.interrupted) return Sleep();
      --own.waiting;
      Leave(own);
      progress = Progress();
      return Fail(EINTR);
    }
    --own.waiting;
  }
  progress.phase = 0;
  progress.mark = kHadWriter;  // it waited for a writer, or is one
  return Done(0);
}

void PipeEnds::AbandonOpen(int64_t access, const Progress& progress) {
  if (progress.phase != 1) return;
  End& own = access == O_RDONLY ? read_ : write_;
  --own.waiting;
  Leave(own);
}

}  // namespace ipcspec
