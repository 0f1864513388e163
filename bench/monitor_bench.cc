// Benchmarks of the judge's models: histories of up to a million operations, true ones and ones
// that are spoiled in the middle. Prints seconds, steps of the search for each operation, and the
// peak of memory of the whole run so far.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <cstdint>
#include <string>

#include "impl/monitor/engine.h"
#include "impl/monitor/queue_model.h"
#include "impl/monitor/queue_sweep.h"
#include "impl/monitor/random_operations.h"
#include "impl/monitor/semaphore_model.h"
#include "impl/monitor/semaphore_sweep.h"
#include "impl/monitor/timeline.h"
#include "impl/monitor/word_model.h"

namespace ipcspec {
namespace {

constexpr uint32_t kMany = 1'000'000;

double PeakMegabytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// Sweeps, searches and checks the witness, as Decide() does.
template <class Model, class Sweep>
void Measure(benchmark::State& state, const Model& model, bool possible, Sweep sweep) {
  uint64_t steps = 0;
  for (auto _ : state) {
    state.PauseTiming();
    Model copy = model;
    state.ResumeTiming();
    Timeline timeline;
    if (!timeline.Build(copy.size(), [&](size_t i) -> Span& { return copy.operations[i].span; })) {
      return state.SkipWithError("too many at once");
    }
    copy.Prepare();
    const auto name = [](uint32_t operation) { return std::to_string(operation); };
    bool found_possible = !sweep(copy, timeline, name).has_value();
    if (found_possible) {
      const Found found =
          Engine<Model>(timeline, copy, kAllRules, copy.size() * 64 + 1'000'000).Run();
      steps = found.steps;
      found_possible = found.answer == Answer::kPossible && IsWitness(copy, found.witness);
      if (found.answer == Answer::kUnknown) return state.SkipWithError("unknown");
    }
    if (found_possible != possible) return state.SkipWithError("the wrong answer");
  }
  state.counters["steps/op"] = static_cast<double>(steps) / static_cast<double>(model.size());
  state.counters["peak MB"] = PeakMegabytes();
}

// Arguments: tasks, capacity, priorities.
void Queue(benchmark::State& state, bool spoiled) {
  QueueModel model = RandomQueue(static_cast<int>(state.range(0)), kMany, state.range(1),
                                 static_cast<uint32_t>(state.range(2)), 1);
  if (spoiled) SwapMessages(model);
  Measure(state, model, !spoiled, SweepQueue);
}

void QueueArguments(benchmark::internal::Benchmark* b) {
  b->ArgNames({"tasks", "capacity", "priorities"})->Unit(benchmark::kSecond)->Iterations(1);
  for (const int priorities : {1, 4}) {
    for (const int tasks : {4, 16}) b->Args({tasks, 10, priorities});
  }
  b->Args({8, 1000, 1});
}

// Arguments: tasks. Spoiled: a take in the middle happens twice, so the last ones cannot.
void Semaphore(benchmark::State& state, bool spoiled) {
  SemaphoreModel model = RandomSemaphore(static_cast<int>(state.range(0)), kMany, 0, 1);
  if (spoiled) {
    for (size_t i = kMany / 2, left = 2000; left > 0; ++i) {
      SemaphoreOperation& op = model.operations[i];
      if (op.array == 0) op.array = op.alike = 1, --left;
    }
  }
  Measure(state, model, !spoiled, SweepSemaphores);
}

// Arguments: tasks. Spoiled: a load in the middle sees what was overwritten long before.
void Word(benchmark::State& state, bool spoiled) {
  WordModel model = RandomWord(static_cast<int>(state.range(0)), kMany, 1);
  for (size_t i = kMany / 2; spoiled; ++i) {
    if (model.operations[i].kind != WordOperation::kLoad) continue;
    model.operations[i].value = model.operations[i].value / 2;
    break;
  }
  Measure(state, model, !spoiled, SweepWord);
}

void Tasks(benchmark::internal::Benchmark* b) {
  b->ArgNames({"tasks"})->Unit(benchmark::kSecond)->Iterations(1)->Arg(4)->Arg(16);
}

BENCHMARK_CAPTURE(Semaphore, true, false)->Apply(Tasks);
BENCHMARK_CAPTURE(Semaphore, spoiled, true)->Apply(Tasks);
BENCHMARK_CAPTURE(Word, true, false)->Apply(Tasks);
BENCHMARK_CAPTURE(Word, spoiled, true)->Apply(Tasks);
BENCHMARK_CAPTURE(Queue, true, false)->Apply(QueueArguments);
BENCHMARK_CAPTURE(Queue, spoiled, true)->Apply(QueueArguments);

}  // namespace
}  // namespace ipcspec

BENCHMARK_MAIN();
