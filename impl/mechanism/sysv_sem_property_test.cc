// Properties of the semaphore reference: semop against a plain model, and a random walk over all
// calls in which refusals change nothing and what is played is also accepted.
#include <gtest/gtest.h>
// After gtest.
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "absl/hash/hash.h"
#include "impl/mechanism/sysv_sem.h"
#include "impl/mechanism/sysv_sem_bench.h"

namespace ipcspec {
namespace {

// A semop as semop(2) tells it, on plain numbers: one operation after the other on a copy.
struct Model {
  std::map<int, int64_t> values;
  std::map<std::pair<int, int>, int64_t> adjustments;  // by list and number

  enum What { kDone, kBlocks, kAgain, kRange };
  What Do(const std::vector<Sembuf>& ops, int list) {
    Model copy = *this;
    for (const Sembuf& op : ops) {
      int64_t& value = copy.values[static_cast<int>(op.num)];
      if (op.op == 0 ? value != 0 : value + op.op < 0) {
        return op.flags.has(IPC_NOWAIT) ? kAgain : kBlocks;
      }
      value += op.op;
      if (value > 32767) return kRange;
      if (op.flags.has(SEM_UNDO)) {
        int64_t& amount = copy.adjustments[{list, static_cast<int>(op.num)}];
        amount -= op.op;
        if (amount < -32768 || amount > 32767) return kRange;
      }
    }
    *this = copy;
    return kDone;
  }
  void Exit(int list) {
    for (auto& [place, amount] : adjustments) {
      if (place.first != list) continue;
      int64_t& value = values[place.second];
      value = std::max<int64_t>(0, std::min<int64_t>(32767, value + amount));
      amount = 0;
    }
  }
};

constexpr int kWide = 3;

rc::Gen<Sembuf> AnyOperation() {
  return rc::gen::map(
      rc::gen::tuple(
          rc::gen::inRange(0, kWide),
          rc::gen::weightedOneOf<int>(
              {{6, rc::gen::inRange(-3, 4)}, {1, rc::gen::element(32767, -32767, 20000, -20000)}}),
          rc::gen::inRange(0, 4)),
      [](const std::tuple<int, int, int>& t) {
        const auto [num, op, flags] = t;
        return Sembuf{.num = num,
                      .op = op,
                      .flags = (flags & 1 ? IPC_NOWAIT : 0) | (flags & 2 ? SEM_UNDO : 0)};
      });
}

RC_GTEST_PROP(SysvSemProperty, SemopDoesWhatThePlainModelDoes, ()) {
  Bench b;
  const int64_t id = b.NewSet(kWide);
  Model model;
  const int steps = *rc::gen::inRange(1, 40);
  for (int i = 0; i < steps; ++i) {
    const int task = *rc::gen::inRange(1, 4);
    if (*rc::gen::inRange(0, 8) == 0) {
      b.Exit(task, task);
      model.Exit(task);
    } else {
      const auto ops = *rc::gen::resize(
          4, rc::gen::nonEmpty(rc::gen::container<std::vector<Sembuf>>(AnyOperation())));
      const SysvSem before = b.sems;
      const Result result = b.Play(Do(id, ops), {.task = task});
      switch (model.Do(ops, task)) {
        case Model::kDone:
          RC_ASSERT(result.done());
          RC_ASSERT(result.outcome.ok());
          break;
        case Model::kBlocks:
          RC_ASSERT(result.kind == Result::kAsleep);
          break;
        case Model::kAgain:
          RC_ASSERT(result.outcome.error == EAGAIN);
          break;
        case Model::kRange:
          RC_ASSERT(result.outcome.error == ERANGE);
          break;
      }
      if (!result.done() || !result.outcome.ok()) RC_ASSERT(b.sems == before);
    }
    for (int num = 0; num < kWide; ++num) RC_ASSERT(b.Value(id, num) == model.values[num]);
  }
}

rc::Gen<Call> AnyCall() {
  const auto id = rc::gen::inRange<int64_t>(-1, 6);
  const auto num = rc::gen::inRange<int64_t>(-1, kWide + 1);
  const auto memory = rc::gen::weightedElement<Memory>({{9, Memory::kGood}, {1, Memory::kBad}});
  const auto mode = rc::gen::element<int64_t>(0600, 0666, 0640, 0444, 0);
  const auto value = rc::gen::element<int64_t>(0, 1, 2, 32767, 32768, -1);
  const auto make = [](auto build, auto... gens) {
    return rc::gen::map(rc::gen::tuple(gens...),
                        [build](const auto& t) -> Call { return std::apply(build, t); });
  };
  using N = int64_t;
  return rc::gen::oneOf(
      make(
          [](N key, N nsems, N flags, N m) {
            return Semget{key, nsems, flags << 9 | m};
          },
          rc::gen::inRange<N>(0, 3), rc::gen::inRange<N>(-1, kWide + 1), rc::gen::inRange<N>(0, 4),
          mode),
      make(
          [](N i, std::vector<Sembuf> ops, Memory m) {
            return Semop{i, ops, {}, m};
          },
          id, rc::gen::resize(3, rc::gen::container<std::vector<Sembuf>>(AnyOperation())), memory),
      make(
          [](N i, N n, N v) {
            return SemSetVal{i, n, v};
          },
          id, num, value),
      make(
          [](N i, N v, Memory m) {
            return SemSetAll{i, {v, 1, 1}, m};
          },
          id, value, memory),
      make(
          [](N i, N n) {
            return SemGetVal{i, n};
          },
          id, num),
      make(
          [](N i, Memory m) {
            return SemGetAll{i, m};
          },
          id, memory),
      make(
          [](N i, N n) {
            return SemGetNcnt{i, n};
          },
          id, num),
      make(
          [](N i, Memory m) {
            return SemStat{i, m};
          },
          id, memory),
      make(
          [](N i, N uid, N m) {
            return SemSet{i, uid, uid, m};
          },
          id, rc::gen::element<N>(0, kUser, 5), mode),
      make([](N i) { return SemRemove{i}; }, id),
      make(
          [](N i) {
            return SemStatIndex{i, false};
          },
          id),
      make(
          [](N n) {
            return SetSemLimits{n, n * 2, n, n};
          },
          rc::gen::inRange<N>(1, 5)));
}

// One call of the walk, played and then judged by what was played.
template <SemCall C>
void PlayAndJudge(Bench& b, const C& call, const By& by, std::set<int64_t>& made,
                  std::set<int64_t>& alive) {
  const SysvSem before = b.sems;
  const Result played = b.Play(call, by);
  const SysvSem after = b.sems;
  RC_ASSERT(played.kind != Result::kMoved);
  if (!played.done() || !played.outcome.ok()) RC_ASSERT(after == before);
  if (!played.done()) return;

  // Another return value is not explained; what was played is, and comes to the same state.
  b.sems = before;
  Outcome wrong = played.outcome;
  wrong.ret += 1;
  if (wrong.ok() && !std::is_same_v<C, Semget>) RC_ASSERT(!b.Allows(call, wrong, by));
  RC_ASSERT(b.Allows(call, played.outcome, by, true));
  if (!std::is_same_v<C, Semget>) RC_ASSERT(b.sems == after);  // there the guess became known
  RC_ASSERT(absl::HashOf(b.sems) == absl::HashOf(after));

  if (!played.outcome.ok()) return;
  if constexpr (std::is_same_v<C, Semget>) {
    const int64_t id = played.outcome.ret;
    if (alive.insert(id).second) RC_ASSERT(made.insert(id).second);  // never handed out before
  }
  if constexpr (std::is_same_v<C, SemRemove>) RC_ASSERT(alive.erase(call.id.value) == 1u);
}

RC_GTEST_PROP(SysvSemProperty, ARandomWalkKeepsTheInvariants, ()) {
  Bench b;
  std::set<int64_t> made, alive;
  for (const Call& any : *rc::gen::container<std::vector<Call>>(AnyCall())) {
    const By by{.task = *rc::gen::inRange(1, 4), .uid = *rc::gen::element<int64_t>(0, 0, kUser, 5)};
    std::visit(
        [&](const auto& call) {
          if constexpr (SemCall<std::decay_t<decltype(call)>>) {
            PlayAndJudge(b, call, by, made, alive);
          }
        },
        any);
    for (const int64_t id : alive) {
      for (const int64_t value : b.Values(id)) {
        RC_ASSERT(value >= 0);
        RC_ASSERT(value <= 32767);
      }
    }
    RC_ASSERT(b.Play(SemUsage{}).outcome.values[0] == static_cast<int64_t>(alive.size()));
  }
}

}  // namespace
}  // namespace ipcspec
