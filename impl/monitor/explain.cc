#include "impl/monitor/explain.h"

#include <algorithm>
#include <utility>

#include "impl/monitor/judge.h"
#include "impl/oracle/excerpt.h"

namespace ipcspec {
namespace {

// Of more calls between two quiet events the oracle is not asked.
constexpr size_t kFewCalls = 200;

size_t MostCallsAtOnce(const History& history) {
  size_t most = 0, calls = 0;
  for (const Event& event : history.events) {
    if (event.kind == Event::Kind::kQuiet) calls = 0;
    if (event.kind == Event::Kind::kCall) most = std::max(most, ++calls);
  }
  return most;
}

Explanation ByMonitors(const History& history) {
  Judgement judgement = Judge(history, *history.race_begin);
  const bool is_part = judgement.counterexample.events.size() < history.events.size();
  return {.verdict = judgement.verdict,
          .story = std::move(judgement.story),
          .counterexample = std::move(judgement.counterexample),
          .blame = judgement.blame,
          .is_part = is_part};
}

}  // namespace

Explanation ExplainAny(const History& history) {
  const bool marked = history.race_begin.has_value();
  if (marked && MostCallsAtOnce(history) > kFewCalls) return ByMonitors(history);
  Explanation explanation;
  explanation.verdict = ExplainHistory(history, &explanation.story, &explanation.blame);
  if (explanation.verdict == Verdict::kForbidden) {
    explanation.counterexample = ExcerptOf(history, &explanation.story, &explanation.blame);
    explanation.is_part = explanation.counterexample.events.size() < history.events.size();
  }
  if (explanation.verdict != Verdict::kUndecided || !marked) return explanation;
  Explanation other = ByMonitors(history);
  return other.verdict == Verdict::kUndecided ? explanation : other;
}

}  // namespace ipcspec
