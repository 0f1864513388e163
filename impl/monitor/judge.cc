#include "impl/monitor/judge.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "impl/call/cat.h"
#include "impl/monitor/shrink.h"

namespace ipcspec {
namespace {

// The exact oracle takes long where many calls overlap: what is kept should be smaller than this
// before it is asked while shrinking goes on.
constexpr int kFewCalls = 16;

PartAnswer CheckPart(const Round& round, const ObjectName& object,
                     absl::Span<const uint32_t> records, const Effort& effort) {
  switch (object.kind) {
    case ObjectName::kSysvQueue:
    case ObjectName::kPosixQueue:
      return CheckQueue(round, object, records, effort);
    case ObjectName::kSysvSem:
    case ObjectName::kPosixSem:
      return CheckSemaphores(round, object, records, effort);
    case ObjectName::kPipe:
      return CheckStream(round, object, records, effort);
    case ObjectName::kMemory:
      return CheckWord(round, object, records, effort);
  }
  return CannotSay("no model for this kind of object");
}

// The step that is to blame.
int BlamedStep(const Round& round, const PartAnswer& answer) {
  const CallRecord& record = round.records()[answer.blamed.front()];
  return round.history().events[record.call_event].label;
}

// Whether the part of the object is impossible in that history; if `step` is not 0, because of it.
bool IsImpossible(const History& history, size_t race_begin, const ObjectName& object, int step,
                  const Effort& effort) {
  const Round round(history, race_begin);
  if (round.setup_verdict() != Verdict::kAllowed || !round.obstacle().empty()) return false;
  const auto part = round.parts().find(object);
  if (part == round.parts().end()) return false;
  const PartAnswer answer = CheckPart(round, object, part->second, effort);
  return answer.answer == Answer::kImpossible && (step == 0 || BlamedStep(round, answer) == step);
}

// The counter-example, confirmed by the exact oracle.
Judgement Convict(const Round& round, size_t race_begin, const PartsAnswer& parts,
                  const Effort& effort) {
  const std::vector<Group>& groups = parts.worst.groups;
  // A call that should have returned shows when all is quiet.
  uint32_t quiet_event = parts.worst.quiet;
  for (const QuietMoment& quiet : round.quiets()) {
    const uint32_t blamed = parts.worst.blamed.front();
    if (quiet_event == kNever && !round.records()[blamed].returned() &&
        std::find(quiet.asleep.begin(), quiet.asleep.end(), blamed) != quiet.asleep.end()) {
      quiet_event = quiet.event;
    }
  }
  const auto keep = [&](const std::vector<size_t>& kept) {
    return Keep(round, race_begin, groups, kept, quiet_event);
  };
  const int step = parts.worst.blame_must_stay ? BlamedStep(round, parts.worst) : 0;
  std::string story;
  // What the models call impossible must be so for the oracle too, as soon as it is small.
  const auto fails = [&](const std::vector<size_t>& kept) {
    const History history = keep(kept);
    if (!IsImpossible(history, race_begin, parts.object, step, effort)) return false;
    return CallsIn(history, race_begin) > kFewCalls ||
           ExplainHistory(history, &story) == Verdict::kForbidden;
  };
  const std::vector<size_t> kept = Shrink(parts.worst, fails);
  Judgement judgement;
  judgement.counterexample = kept.empty() ? round.history() : keep(kept);
  judgement.verdict = ExplainHistory(judgement.counterexample, &story, &judgement.blame);
  if (judgement.verdict == Verdict::kForbidden) {
    judgement.story = Cat(parts.worst.text, "\n", story);
    return judgement;
  }
  judgement.story =
      Cat(judgement.verdict == Verdict::kAllowed ? "monitor and oracle disagree: the monitor says "
                                                 : "the oracle cannot confirm that ",
          parts.worst.text);
  judgement.verdict = Verdict::kUndecided;
  judgement.counterexample = History();
  return judgement;
}

}  // namespace

PartsAnswer CheckParts(const Round& round, const Effort& effort) {
  PartsAnswer worst;
  worst.worst.answer = Answer::kPossible;
  for (const auto& [object, records] : round.parts()) {
    PartAnswer answer = CheckPart(round, object, records, effort);
    if (answer.answer == Answer::kPossible) continue;
    const bool impossible = answer.answer == Answer::kImpossible;
    if (impossible || worst.worst.answer == Answer::kPossible) {
      worst = {.worst = std::move(answer), .object = object};
    }
    if (impossible) break;
  }
  return worst;
}

Judgement Judge(const History& history, size_t race_begin, const Effort& effort) {
  const Round round(history, race_begin);
  if (round.setup_verdict() != Verdict::kAllowed) {
    Judgement judgement{.verdict = round.setup_verdict(), .story = round.story()};
    if (judgement.verdict == Verdict::kForbidden) {
      judgement.counterexample = history;
      judgement.blame = round.blame();
    }
    return judgement;
  }
  if (!round.obstacle().empty()) {
    return {.verdict = Verdict::kUndecided, .story = round.obstacle()};
  }
  const PartsAnswer parts = CheckParts(round, effort);
  if (parts.worst.answer == Answer::kImpossible) {
    return Convict(round, race_begin, parts, effort);
  }
  if (parts.worst.answer == Answer::kUnknown) {
    return {.verdict = Verdict::kUndecided, .story = parts.worst.text};
  }
  return {.verdict = Verdict::kAllowed};
}

}  // namespace ipcspec
