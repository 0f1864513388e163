// StreamModel: a pipe, for the engine.
//
// Writes of up to PIPE_BUF bytes, and larger ones that do not block, put their bytes in at one
// moment. A read takes the bytes that are there, up to its count; so a shorter one empties the
// pipe. How much fits is as uncertain as in impl/mechanism/pipe.h: it depends on how writes are
// packed into pages. States hold real bytes; that contents are unique only helps the rules.
#ifndef IPCSPEC_IMPL_MONITOR_STREAM_MODEL_H_
#define IPCSPEC_IMPL_MONITOR_STREAM_MODEL_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "impl/monitor/engine.h"
#include "impl/monitor/timeline.h"

namespace ipcspec {

struct StreamOperation : Operation {
  enum Kind : uint8_t {
    kWrite,        // put the first `moved` bytes of `data` in
    kRead,         // took `data`, and had asked for `moved` bytes
    kTake,         // the task was killed in it: it took up to `moved` bytes, or nothing
    kFull,         // failed: no room for `moved` bytes
    kEmpty,        // failed: nothing there
    kCount,        // saw that `moved` bytes are there
    kInterrupted,  // failed, whatever the state
    kQuiet,        // all was quiet: those asleep could not go on (StreamModel::sleepers)
  };
  bool in_parts = false;    // a write that may have put in less than it was asked for
  uint32_t moved = 0;       // kQuiet: how many sleepers
  uint32_t first = 0;       // kQuiet: the first of them
  uint32_t reader = kNone;  // kWrite: the read that shows its first bytes, if that is sure ...
  uint32_t place = 0;       // ... and where in it; kQuiet: its event
  std::string_view data;

  static constexpr uint32_t kNone = UINT32_MAX;
};
static_assert(sizeof(StreamOperation) <= 56);

struct StreamSleeper {
  bool writes = false;
  bool restless = false;
  uint32_t size = 0;
};

class StreamModel {
 public:
  static constexpr uint32_t kNone = StreamOperation::kNone;

  // What the history says; then Prepare().
  int64_t capacity = 65536;
  int64_t page = 4096;
  std::vector<StreamOperation> operations;
  std::vector<StreamSleeper> sleepers;

  // Finds out in which reads writes begin, where contents are unique.
  void Prepare();

  bool IsQuiet(uint32_t operation) const {
    return operations[operation].kind == StreamOperation::kQuiet;
  }
  uint32_t QuietEvent(uint32_t operation) const { return operations[operation].place; }
  size_t size() const { return operations.size(); }
  const StreamOperation& At(uint32_t operation) const { return operations[operation]; }
  void Reset();
  void Called(uint32_t operation) { called_ += operations[operation].kind == 0; }
  void Uncalled(uint32_t operation) { called_ -= operations[operation].kind == 0; }
  bool Enabled(uint32_t operation) const;
  void Apply(uint32_t operation);
  void Undo(uint32_t operation);
  Fingerprint Hash() const;
  uint64_t Candidates(const Window& window, uint32_t rules) const;
  uint64_t Best(const Window& window, uint64_t candidates, uint32_t rules) const;

 private:
  // What one write put in.
  struct Chunk {
    uint32_t operation = 0;
    bool alone = false;  // the pipe was empty before
    int64_t begin = 0;   // bytes before it are read
  };

  int64_t SizeOf(const Chunk& chunk) const { return operations[chunk.operation].moved; }
  int64_t PagesAtWorst(const Chunk& chunk) const;
  int64_t FreePages() const { return capacity / page - pages_; }  // for sure
  bool CertainlyFits(int64_t size) const { return (size + page - 1) / page <= FreePages(); }
  bool CanSleep(const StreamSleeper& sleeper) const;
  bool Shows(std::string_view data) const;  // whether the pipe begins so
  void MoveFront(int64_t bytes);
  bool NobodyMinds(const Window& window, const StreamOperation& read) const;
  // When the first byte of the write was read, as far as that is known.
  Span TakenSpan(const StreamOperation& write) const {
    return write.reader == kNone ? Span{.call = 0, .ret = kNone} : operations[write.reader].span;
  }
  bool GoesBefore(const StreamOperation& a, const StreamOperation& b) const;

  std::vector<Chunk> chunks_;  // all that were put in; those before front_ are read
  size_t front_ = 0;
  int64_t bytes_ = 0;
  int64_t pages_ = 0;  // that chunks need at worst
  uint32_t called_ = 0;
  std::vector<int64_t> taken_;   // by each kTake that was applied
  bool unique_ = false;          // no two writes are alike
  std::vector<uint32_t> later_;  // the least TakenSpan().ret of all but the first `i` writes
  std::vector<uint32_t> watchers_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_STREAM_MODEL_H_
