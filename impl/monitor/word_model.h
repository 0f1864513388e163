// WordModel: an aligned word of shared memory, for the engine. Each load sees the latest store.
#ifndef IPCSPEC_IMPL_MONITOR_WORD_MODEL_H_
#define IPCSPEC_IMPL_MONITOR_WORD_MODEL_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "impl/monitor/engine.h"
#include "impl/monitor/pattern.h"
#include "impl/monitor/timeline.h"

namespace ipcspec {

struct WordOperation : Operation {
  enum Kind : uint8_t { kStore, kLoad };
  uint32_t value = 0;  // numbered from 0, the value at the beginning
};

class WordModel {
 public:
  // What the history says; then Prepare().
  uint32_t values = 1;
  std::vector<WordOperation> operations;

  void Prepare();
  // Whether one store at most can have brought the value.
  bool IsUnique(uint32_t value) const { return about_[value].stores <= 1; }

  bool IsQuiet(uint32_t) const { return false; }
  uint32_t QuietEvent(uint32_t) const { return 0; }
  size_t size() const { return operations.size(); }
  const WordOperation& At(uint32_t operation) const { return operations[operation]; }
  void Reset();
  void Called(uint32_t) {}
  void Uncalled(uint32_t) {}
  bool Enabled(uint32_t operation) const;
  void Apply(uint32_t operation);
  void Undo(uint32_t operation);
  Fingerprint Hash() const { return Fingerprint::Of(current_, 1); }
  uint64_t Candidates(const Window& window, uint32_t rules) const;
  uint64_t Best(const Window& window, uint64_t candidates, uint32_t rules) const;

 private:
  struct Value {
    uint32_t stores = 0;     // that write it; the beginning counts as one
    uint32_t loads = 0;      // that see it
    uint32_t last_load = 0;  // the latest call of one
    uint32_t unseen = 0;     // loads that are not in order yet
  };
  std::vector<Value> about_;
  uint32_t current_ = 0;
  std::vector<uint32_t> overwritten_;
};

// The zones of Gibbons and Korach (1997): from the first return to the last call of what concerns a
// value, the word surely held it. Two values at one moment, or one that came and went within the
// time of another, are impossible.
std::optional<Pattern> SweepWord(const WordModel& model, const Timeline& timeline,
                                 NameOperation name);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_WORD_MODEL_H_
