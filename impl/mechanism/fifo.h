// Who has a pipe open, and how a FIFO is opened: fifo(7), open(2).
//
// A pipe has two ends; each is open as long as an open file description refers to it (dup and fork
// make no new ones). A FIFO's ends are opened by name, and they meet: a blocking open of one end
// waits until the other end is opened. An open that waits already counts as an open end, since
// that is what the other side waits for; and it goes on once the other end has been opened, even
// if that one was closed again meanwhile. So ends are counted twice: how many are open, and how
// often an end has been opened.
//
// Knows nothing of the bytes in the pipe (pipe.h), of names and of permissions (file_tree.h).
#ifndef IPCSPEC_IMPL_MECHANISM_FIFO_H_
#define IPCSPEC_IMPL_MECHANISM_FIFO_H_

#include <cstdint>
#include <utility>

#include "impl/mechanism/step.h"

namespace ipcspec {

class PipeEnds {
 public:
  // Open ends, those of opens that still wait included.
  int readers() const { return read_.open; }
  int writers() const { return write_.open; }
  bool closed() const { return read_.open == 0 && write_.open == 0; }

  void OpenReader() { Arrive(read_); }
  void OpenWriter() { Arrive(write_); }
  // REQUIRES: such an end is open.
  void CloseReader() { Leave(read_); }
  void CloseWriter() { Leave(write_); }

  // open(2) of a FIFO with an access mode (O_RDONLY, O_WRONLY, O_RDWR). Done(0) when the end is
  // open; the first step of a blocking open may be Moved (it has arrived: progress.phase is 1).
  // Afterwards progress.mark is what PollRead of this description wants (pipe.h).
  // ENXIO: nonblocking, for writing, and the other end has not been opened (fifo(7)).
  // EINTR: a handler ran while it waited; the end is closed again.
  Result Open(int64_t access, bool nonblock, const Caller& caller, Choice& choice);

  // The task died, or got EINTR from elsewhere, in Open: an end that had arrived is closed.
  void AbandonOpen(int64_t access, const Progress& progress);

  // What a reader that is open now will want to know: see Hup.
  int64_t ReadMark() const { return write_.open > 0 ? kHadWriter : write_.opened; }
  // Whether a reader that was opened at `mark` has had a writer since: only then does the
  // writers' absence surely mean a hang-up.
  bool HadWriter(int64_t mark) const { return mark == kHadWriter || write_.opened != mark; }

  bool operator==(const PipeEnds&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const PipeEnds& e) {
    return H::combine(std::move(h), e.read_, e.write_);
  }

 private:
  static constexpr int64_t kHadWriter = -1;

  struct End {
    int open = 0;        // ends that are open or about to be
    int waiting = 0;     // of these: opens that wait
    int64_t opened = 0;  // how often it was opened; starts again when nobody has the pipe open
    bool operator==(const End&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const End& e) {
      return H::combine(std::move(h), e.open, e.waiting, e.opened);
    }
  };
  static void Arrive(End& end) { ++end.open, ++end.opened; }
  void Leave(End& end);
  Result Rendezvous(End& own, const End& other, const Caller& caller, Choice& choice);

  End read_, write_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_FIFO_H_
