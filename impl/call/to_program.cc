// ToProgram: which of the numbers in a history came out of earlier calls of it.
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "impl/call/args.h"
#include "impl/call/history.h"

namespace ipcspec {
namespace {

// What a number came out of: step `label`, its return value (-1) or values[index].
struct Source {
  int label = 0;
  int index = -1;
};
using Sources = std::map<int64_t, Source>;

class Tracer {
 public:
  // The call that `event` makes, with references.
  Call WithReferences(const Event& event) {
    Call call = *event.call;
    ForEachArg(call, [&]<ArgKind K>(Arg<K>& arg) {
      Refer(SourcesOf(event.task, K), &arg);
      // Tasks that share memory (CLONE_VM) use addresses that others were given.
      if (K == ArgKind::kAddress && !arg.is_reference()) Refer(shared_[K], &arg);
    });
    return call;
  }

  void Called(const Event& event) {
    Task& caller = tasks_[event.task];
    caller.call = event.call.get();
    caller.label = event.label;
    if (MakesTask(*event.call)) tasks_[event.label].own = caller.own;
  }

  void Returned(const Event& event) {
    Task& task = tasks_[event.task];
    if (task.call == nullptr || !event.outcome.ok()) return;
    const Outcome& outcome = event.outcome;
    if (const std::optional<ArgKind> kind = KindGiven(*task.call); kind.has_value()) {
      SourcesOf(event.task, *kind)[outcome.ret] = {task.label};
      if (kind == ArgKind::kAddress) shared_[*kind][outcome.ret] = {task.label};
    } else if (std::holds_alternative<MakePipe>(*task.call)) {
      for (int i = 0; i < static_cast<int>(outcome.values.size()); ++i) {
        task.own[ArgKind::kFd][outcome.values[i]] = {task.label, i};
      }
    }
  }

 private:
  struct Task {
    std::map<ArgKind, Sources> own;  // descriptors and addresses mean something to one task only
    const Call* call = nullptr;      // the last one it made
    int label = 0;
  };

  template <class A>
  static void Refer(const Sources& sources, A* arg) {
    if (const auto source = sources.find(arg->value); source != sources.end()) {
      *arg = A::Of(source->second.label, source->second.index);
    }
  }

  Sources& SourcesOf(int task, ArgKind kind) {
    const bool own = kind == ArgKind::kFd || kind == ArgKind::kAddress;
    return own ? tasks_[task].own[kind] : shared_[kind];
  }

  std::map<int, Task> tasks_;
  std::map<ArgKind, Sources> shared_;
};

}  // namespace

Program ToProgram(const History& history) {
  Program program;
  Tracer tracer;
  for (const Event& event : history.events) {
    if (event.kind == Event::Kind::kCall) {
      program.steps.push_back(
          {.label = event.label, .task = event.task, .call = tracer.WithReferences(event)});
      tracer.Called(event);
    } else if (event.kind == Event::Kind::kReturn) {
      tracer.Returned(event);
    }
  }
  return program;
}

}  // namespace ipcspec
