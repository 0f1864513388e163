// Part: what a round did with one object, put to a model.
#ifndef IPCSPEC_IMPL_MONITOR_PART_H_
#define IPCSPEC_IMPL_MONITOR_PART_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "impl/call/cat.h"
#include "impl/monitor/engine.h"
#include "impl/monitor/pattern.h"
#include "impl/monitor/round.h"
#include "impl/monitor/timeline.h"

namespace ipcspec {

struct Effort {
  bool sweep = true;           // look for patterns first
  uint32_t rules = kAllRules;  // of the search
  uint64_t steps = 0;          // that the search may make; 0: in proportion to the history
};

// Records that stand or fall together when a counter-example is made smaller: a message with its
// receive, say. Without it the rest is still explained if it was before, save for watchers (calls
// that found a queue full, for one) whose span overlaps that of the group.
struct Group {
  std::vector<uint32_t> records;
  Span span;  // ticks
  bool watches = false;
  size_t needs = SIZE_MAX;  // a group without which this one means nothing
};

struct PartAnswer {
  Answer answer = Answer::kUnknown;
  std::string text;              // kImpossible: why; kUnknown: what stood in the way
  std::vector<uint32_t> blamed;  // kImpossible: records, the first where it shows
  std::vector<Group> groups;     // kImpossible
  uint32_t quiet = kNever;       // kImpossible: the quiet event where too many were asleep
  // Leaving out groups keeps what surrounds the call that is blamed, and no more: a smaller history
  // shows the same only if the same call is blamed.
  bool blame_must_stay = false;
};

// One for each kind of object. `records` are those of the object.
PartAnswer CheckQueue(const Round& round, const ObjectName& object,
                      absl::Span<const uint32_t> records, const Effort& effort);

PartAnswer CheckSemaphores(const Round& round, const ObjectName& object,
                           absl::Span<const uint32_t> records, const Effort& effort);

PartAnswer CheckStream(const Round& round, const ObjectName& object,
                       absl::Span<const uint32_t> records, const Effort& effort);

PartAnswer CheckWord(const Round& round, const ObjectName& object,
                     absl::Span<const uint32_t> records, const Effort& effort);

inline PartAnswer CannotSay(std::string why) {
  return {.answer = Answer::kUnknown, .text = std::move(why), .blamed = {}, .groups = {}};
}

// What the readers of all kinds of objects share: they translate the records of one object into the
// operations of a model, and may end early: one that the model cannot hold makes the part unknown,
// one that nothing explains makes it impossible.
class PartReader {
 protected:
  PartReader(const Round& round, const ObjectName& object, absl::Span<const uint32_t> records)
      : round_(round), object_(object), records_(records) {}

  // The first reason counts.
  void GiveUp(std::string why) {
    if (!failed_) failed_ = std::move(why);
  }
  void Unexplained(uint32_t record, std::string_view what) {
    pattern_ = Pattern{.text = Cat(round_.NameOf(record), what), .operations = {record}};
  }
  // What the pattern comes down to; its operations are records.
  PartAnswer Impossible() const {
    return {.answer = Answer::kImpossible,
            .text = pattern_->text,
            .blamed = pattern_->operations,
            .groups = {}};
  }

  const Round& round_;
  const ObjectName object_;
  const absl::Span<const uint32_t> records_;
  std::optional<std::string> failed_;
  std::optional<Pattern> pattern_;
};

// Sweeps, searches, and checks the witness of a model whose operations are complete, with spans in
// ticks and records as sources.
template <class Model, class Sweep>
PartAnswer Decide(Model& model, const Effort& effort, const Round& round, Sweep sweep) {
  Timeline timeline;
  if (!timeline.Build(model.size(), [&](size_t i) -> Span& { return model.operations[i].span; })) {
    return CannotSay("too many calls at once");
  }
  model.Prepare();
  const auto name = [&](uint32_t operation) { return round.NameOf(model.At(operation).source); };
  PartAnswer answer;
  if (effort.sweep) {
    if (const std::optional<Pattern> pattern = sweep(model, timeline, name)) {
      answer = {.answer = Answer::kImpossible, .text = pattern->text, .blamed = {}, .groups = {}};
      for (const uint32_t operation : pattern->operations) {
        answer.blamed.push_back(model.At(operation).source);
      }
      return answer;
    }
  }
  const uint64_t budget = effort.steps != 0 ? effort.steps : model.size() * 64 + 1'000'000;
  const Found found = Engine<Model>(timeline, model, effort.rules, budget).Run();
  answer.answer = found.answer;
  if (found.answer == Answer::kUnknown) return CannotSay("the search took too many steps");
  if (found.answer == Answer::kPossible) {
    if (!IsWitness(model, found.witness)) return CannotSay("the witness of the search is wrong");
    return answer;
  }
  const uint32_t last = timeline.OperationAt(found.furthest);
  answer.blamed = {model.At(last).source};
  if (model.IsQuiet(last)) answer.quiet = model.QuietEvent(last);
  answer.text = model.IsQuiet(last)
                    ? "in no order of the calls could all those sleep that were asleep at the end"
                    : "no order of the calls before it explains what " + name(last) + " returned";
  return answer;
}

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_PART_H_
