#include "platforms/repro/plan.h"

#include <fcntl.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "absl/types/span.h"
#include "impl/call/names.h"
#include "impl/oracle/search.h"
#include "impl/reference/reference.h"
#include "impl/reference/world.h"

namespace ipcspec {
namespace {

constexpr int64_t kTick = 1000;            // ns between two steps
constexpr int64_t kLate = 11'000'000'000;  // ns: by then a timeout is over for sure
constexpr size_t kMaxNodes = 400;          // worlds that a turn may visit
constexpr size_t kMaxOthers = 8;           // ways that are worth listing

// When the call that the task is in times out; -1 when it does not.
int64_t Timeout(const Task& task) {
  if (!task.in_call()) return -1;
  return TimeoutOf(*task.current.call).ns;
}

// Whether the call returns an address, which is the kernel's choice.
bool GivesAddress(const Call& call) { return KindGiven(call) == ArgKind::kAddress; }

// One order of events so far, and where it led.
struct Node {
  World world;
  Facts facts;
};

// Finds all that can happen until all is quiet.
class EndsSearch {
 public:
  explicit EndsSearch(int64_t now) : now_(now) {}

  // The first end is the usual one.
  std::vector<Node> Ends(Node start) {
    Visit(std::move(start));
    return std::move(ends_);
  }
  bool exhausted() const { return nodes_ > kMaxNodes; }

 private:
  void Visit(Node node) {
    if (++nodes_ > kMaxNodes && !ends_.empty()) return;
    std::vector<Node> usual, others;
    for (const auto& [number, task] : *node.world.tasks) {
      if (!task->alive() || task->IsHeld()) continue;
      if (task->in_call()) CallMoves(node, number, usual, others);
      if (task->signals.Deliverable() != 0) {
        Node next = node;
        DeliverAll(next, number);
        usual.push_back(std::move(next));
      }
    }
    for (Node& next : usual) Visit(std::move(next));
    for (Node& next : others) Visit(std::move(next));
    if (RestlessTask(node.world, now_) >= 0) return;
    for (const auto& [number, task] : *node.world.tasks) {
      if (!task->alive() || !task->in_call()) continue;
      node.facts.push_back({.kind = Fact::Kind::kAsleep, .number = task->current.label});
      node.world.MutableTask(number).current.asleep = true;
    }
    const auto same = [&](const Node& end) {
      return end.facts.size() == node.facts.size() &&
             std::is_permutation(end.facts.begin(), end.facts.end(), node.facts.begin());
    };
    if (std::none_of(ends_.begin(), ends_.end(), same)) ends_.push_back(std::move(node));
  }

  // False when the task died.
  bool DeliverAll(Node& node, int task) {
    while (const uint64_t due = node.world.GetTask(task).signals.Deliverable()) {
      const int signal = std::countr_zero(due) + 1;
      if (Deliver(node.world, task, signal, now_) == Delivery::kDies) {
        NoteDeath(node, task);
        return false;
      }
      node.facts.push_back({.kind = Fact::Kind::kHandled, .number = task, .detail = signal});
    }
    return true;
  }

  void NoteDeath(Node& node, int task) {
    node.facts.push_back(
        {.kind = Fact::Kind::kDied, .number = task, .detail = node.world.GetTask(task).status});
  }

  // What the call of `task` may do now.
  void CallMoves(const Node& node, int task, std::vector<Node>& usual, std::vector<Node>& others) {
    Choice choice(Choice::Mode::kUsual);
    World after = node.world;
    const Result result = Offer(after, task, now_, choice);
    std::vector<Fact> failures = Failures(node, task);
    if (result.kind == Result::kAsleep) {
      AddOthers(node, task, std::move(failures), others);
      return;
    }
    Node next{.world = std::move(after), .facts = node.facts};
    if (!next.world.GetTask(task).alive()) {
      NoteDeath(next, task);
      usual.push_back(std::move(next));
      return;
    }
    if (!result.done()) {
      usual.push_back(std::move(next));
      return;
    }
    // From here on the outcome is known: an identifier is no guess any more.
    World told = node.world;
    Choice seen(&result.outcome);
    const Result again = Offer(told, task, now_, seen);
    if (again.done() && again.outcome == result.outcome && again.raises == result.raises) {
      next.world = std::move(told);
    }
    Fact fact = FactOf(node, task, result.outcome, choice);
    // Errors that leave the same world behind are one way, not several.
    if (!result.outcome.ok()) {
      std::erase_if(failures, [&](const Fact& failure) {
        World failed = node.world;
        Choice seen(&failure.outcome);
        (void)Offer(failed, task, now_, seen);
        Finish(failed, task);
        World compared = next.world;
        Finish(compared, task);
        if (!(failed == compared)) return false;
        if (failure.outcome.error != fact.outcome.error)
          fact.errors.push_back(failure.outcome.error);
        return true;
      });
    }
    if (DeliverAll(next, task)) {
      Finish(next.world, task);
      next.facts.push_back(std::move(fact));
    }
    usual.push_back(std::move(next));
    AddOthers(node, task, std::move(failures), others);
    if (!result.outcome.ok() && choice.was_open()) AddSuccesses(node, task, others);
  }

  // The errors that are allowed. Lack of memory is nobody's fault, and left out.
  std::vector<Fact> Failures(const Node& node, int task) const {
    std::vector<Fact> failures;
    for (const Name& name : ErrnoTable()) {
      if (name.value == ENOMEM) continue;
      const Outcome seen = Fails(static_cast<int>(name.value));
      if (std::any_of(failures.begin(), failures.end(),
                      [&](const Fact& f) { return f.outcome == seen; })) {
        continue;
      }
      World world = node.world;
      Choice choice(&seen);
      const Result result = Offer(world, task, now_, choice);
      if (!result.done() || !world.GetTask(task).alive() || result.outcome != seen) continue;
      failures.push_back({.kind = Fact::Kind::kReturned,
                          .number = node.world.GetTask(task).current.label,
                          .outcome = seen,
                          .errors = {seen.error}});
    }
    return failures;
  }

  void AddOthers(const Node& node, int task, std::vector<Fact> outcomes,
                 std::vector<Node>& others) {
    for (Fact& fact : outcomes) {
      Node next = node;
      Choice choice(&fact.outcome);
      (void)Offer(next.world, task, now_, choice);
      if (DeliverAll(next, task)) {
        Finish(next.world, task);
        next.facts.push_back(std::move(fact));
      }
      others.push_back(std::move(next));
    }
  }

  // A call that was refused, though it might as well have gone on.
  void AddSuccesses(const Node& node, int task, std::vector<Node>& others) {
    const Call& call = *node.world.GetTask(task).current.call;
    int64_t size = 0;
    if (const auto* write = std::get_if<Write>(&call)) {
      size = static_cast<int64_t>(write->data.text.size());
    } else if (const auto* writev = std::get_if<Writev>(&call)) {
      for (const Bytes& part : writev->data) size += static_cast<int64_t>(part.text.size());
    }
    const Outcome seen = Returns(size);
    World world = node.world;
    Choice choice(&seen);
    const Result result = Offer(world, task, now_, choice);
    if (!result.done() || !result.outcome.ok()) return;
    Fact fact = FactOf(node, task, result.outcome, choice);
    fact.outcome = seen;
    AddOthers(node, task, {std::move(fact)}, others);
  }

  bool Accepts(const Node& node, int task, const Outcome& seen) const {
    World world = node.world;
    Choice choice(&seen);
    const Result result = Offer(world, task, now_, choice);
    return result.done() && result.outcome == seen;
  }

  // What of a call's outcome is determined.
  Fact FactOf(const Node& node, int task, const Outcome& outcome, const Choice& choice) const {
    Fact fact{.kind = Fact::Kind::kReturned,
              .number = node.world.GetTask(task).current.label,
              .outcome = outcome,
              .lowest = outcome.ret,
              .highest = outcome.ret};
    if (!outcome.ok()) {
      fact.errors.push_back(outcome.error);
      return fact;
    }
    if (GivesAddress(*node.world.GetTask(task).current.call)) {
      fact.lowest = std::numeric_limits<int64_t>::min();
      fact.highest = std::numeric_limits<int64_t>::max();
    }
    const auto accepts = [&](int64_t ret, absl::Span<const int64_t> values) {
      Outcome other = outcome;
      other.ret = ret;
      other.values.assign(values.begin(), values.end());
      return Accepts(node, task, other);
    };
    if (outcome.data.empty() &&
        (accepts(outcome.ret + 1, outcome.values) || accepts(outcome.ret - 1, outcome.values))) {
      const bool range = choice.lowest() < choice.highest();
      fact.lowest = range ? choice.lowest() : std::numeric_limits<int64_t>::min();
      fact.highest = range ? choice.highest() : std::numeric_limits<int64_t>::max();
    }
    if (std::holds_alternative<GetStatusFlags>(*node.world.GetTask(task).current.call)) {
      for (const int64_t bit : {O_APPEND, O_ASYNC, O_DIRECT, O_NONBLOCK}) {
        if (!accepts(outcome.ret ^ bit, outcome.values)) continue;
        fact.lowest = std::numeric_limits<int64_t>::min();
        fact.highest = std::numeric_limits<int64_t>::max();
      }
    }
    const bool poll = std::holds_alternative<Poll>(*node.world.GetTask(task).current.call);
    for (size_t i = 0; i < outcome.values.size(); ++i) {
      absl::InlinedVector<int64_t, 4> values = outcome.values;
      const auto free = [&](int64_t value) {
        values[i] = value;
        const int64_t shown = std::count_if(values.begin(), values.end(), std::identity());
        return accepts(poll ? shown : outcome.ret, values);
      };
      const int64_t value = outcome.values[i];
      int64_t mask = -1;
      for (int bit = 0; bit < 16; ++bit) {
        if (free(value ^ (int64_t{1} << bit))) mask &= ~(int64_t{1} << bit);
      }
      if ((mask & 0xffff) == 0) mask = 0;
      constexpr int64_t kWrap = int64_t{1} << 32;  // 32 bits, signed or not
      if (free(value + kWrap) || free(value - kWrap)) mask &= kWrap - 1;
      fact.masks.push_back(mask);
    }
    if (poll) {
      fact.lowest = fact.highest = 0;
      for (size_t i = 0; i < outcome.values.size(); ++i) {
        fact.lowest += (outcome.values[i] & fact.masks[i]) != 0;
        fact.highest += outcome.values[i] != 0 || fact.masks[i] != -1;
      }
    }
    return fact;
  }

  const int64_t now_;
  size_t nodes_ = 0;
  std::vector<Node> ends_;
};

// The number that a reference stands for.
std::optional<int64_t> ValueOf(const Plan& plan, int label, int index) {
  const auto it = plan.outcomes.find(label);
  if (it == plan.outcomes.end() || !it->second.ok()) return std::nullopt;
  if (index < 0) return it->second.ret;
  if (index >= static_cast<int>(it->second.values.size())) return std::nullopt;
  return it->second.values[index];
}

// Starts the step; false when it cannot be made.
bool Start(const Plan& plan, const Step& step, World& world, int64_t* now) {
  const Task* task = world.FindTask(step.task);
  if (task == nullptr || !task->alive()) return false;
  if (std::holds_alternative<Await>(step.call)) {
    if (Timeout(*task) < 0) return false;
    *now = std::max(*now, task->current.invoked + Timeout(*task) + kLate);
    return true;
  }
  if (task->current.call != nullptr) return false;
  bool resolved = true;
  Call call = Resolve(
      step.call, [&](ArgKind, int label, int index) { return ValueOf(plan, label, index); },
      &resolved);
  if (!resolved) return false;
  Begin(world, step.task, step.label, std::make_shared<const Call>(std::move(call)), *now);
  return true;
}

}  // namespace

Plan MakePlan(const Program& program) {
  static const Dialect dialect;
  Plan plan;
  World world(&dialect);
  int64_t now = 0;
  for (const Step& step : program.steps) {
    now += kTick;
    const Task* task = world.FindTask(step.task);
    const int awaited = task == nullptr ? 0 : task->current.label;
    if (!Start(plan, step, world, &now)) continue;
    EndsSearch search(now);
    std::vector<Node> ends = search.Ends({.world = std::move(world), .facts = {}});
    Turn turn{.step = step, .usual = ends.front().facts};
    turn.open = search.exhausted() || ends.size() > kMaxOthers;
    for (size_t i = 1; i < ends.size() && !turn.open; ++i) {
      const Facts& facts = ends[i].facts;
      // An await lasts until the call has returned.
      const auto waits = [&](const Fact& f) {
        return f.kind == Fact::Kind::kAsleep && f.number == awaited;
      };
      if (std::holds_alternative<Await>(step.call) &&
          std::any_of(facts.begin(), facts.end(), waits)) {
        continue;
      }
      turn.others.push_back(facts);
    }
    world = std::move(ends.front().world);
    for (const Fact& fact : turn.usual) {
      if (fact.kind == Fact::Kind::kReturned) plan.outcomes[fact.number] = fact.outcome;
    }
    plan.turns.push_back(std::move(turn));
  }
  return plan;
}

}  // namespace ipcspec
