#include "impl/oracle/oracle.h"

#include <algorithm>
#include <utility>

#include "impl/oracle/story.h"

namespace ipcspec {

Oracle::Oracle(const Dialect& dialect, size_t budget) : budget_(budget) {
  history_.dialect = dialect;
  worlds_.push_back(World(&history_.dialect));
}

// The common case of a lock step: one explanation so far, and one call, made and returned. The
// world is changed in place; false leaves it as it was.
bool Oracle::ExplainAtOnce(absl::Span<const Event> batch) {
  if (worlds_.size() != 1 || batch.size() != 3) return false;
  const Event &call = batch[0], &returned = batch[1], &quiet = batch[2];
  if (call.kind != Event::Kind::kCall || returned.kind != Event::Kind::kReturn ||
      quiet.kind != Event::Kind::kQuiet || call.task != returned.task) {
    return false;
  }
  World& world = worlds_.front();
  const Task* task = world.FindTask(call.task);
  if (task == nullptr || !task->alive() || task->current.call != nullptr) return false;

  // One that is part of the way may go on before or after this call: that takes a search.
  for (const auto& [number, other] : *world.tasks) {
    if (other->alive() && other->in_call() && WorksInParts(*other->current.call)) return false;
  }
  const World before = world;
  Begin(world, call.task, call.label, call.call, call.time_ns);
  Choice choice(&returned.outcome);
  const Result result = Offer(world, call.task, returned.time_ns, choice);
  if (result.done() && !choice.branched() && result.outcome == returned.outcome &&
      world.GetTask(call.task).alive()) {
    Finish(world, call.task);
    if (RestlessTask(world, quiet.time_ns) < 0) return true;
  }
  world = before;
  return false;
}

Verdict Oracle::Explain(absl::Span<const Event> batch) {
  history_.events.resize(explained_);  // a batch that was not explained comes again, with more
  history_.events.insert(history_.events.end(), batch.begin(), batch.end());
  if (ExplainAtOnce(batch)) {
    explained_ = history_.events.size();
    return Verdict::kAllowed;
  }

  Future future(batch);
  std::vector<World> worlds = worlds_;
  bool incomplete = incomplete_;
  for (size_t i = 0; i < batch.size(); ++i) {
    future.Advance(i);
    Search search(future, budget_);
    std::vector<World> next = search.Through(worlds, batch[i]);
    incomplete |= search.exhausted();
    if (next.empty()) {
      const size_t index = explained_ + i;
      story_ = TellStory(history_, index, worlds, incomplete);
      blame_ = {.event = index,
                .task = batch[i].kind == Event::Kind::kQuiet
                            ? RestlessTask(worlds.front(), batch[i].time_ns)
                            : batch[i].task};
      return incomplete ? Verdict::kUndecided : Verdict::kForbidden;
    }
    worlds = std::move(next);
  }
  worlds_ = std::move(worlds);
  incomplete_ = incomplete;
  explained_ = history_.events.size();
  return Verdict::kAllowed;
}

Verdict ExplainHistory(const History& history, std::string* story, Blame* blame) {
  Oracle oracle(history.dialect);
  const absl::Span<const Event> events = history.events;
  for (size_t begin = 0; begin < events.size();) {
    size_t end = begin;
    while (end < events.size() && events[end].kind != Event::Kind::kQuiet) ++end;
    end = std::min(end + 1, events.size());
    const Verdict verdict = oracle.Explain(events.subspan(begin, end - begin));
    if (verdict != Verdict::kAllowed) {
      *story = oracle.story();
      if (blame != nullptr) *blame = oracle.blame();
      return verdict;
    }
    begin = end;
  }
  return Verdict::kAllowed;
}

}  // namespace ipcspec
