// Benchmarks: what the reference costs beside the kernel, and what a checked call costs beside the
// bare round trip to an agent. Run in the namespaces that a check runs in; prints ratios at the
// end.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "impl/oracle/oracle.h"
#include "impl/reference/reference.h"
#include "platforms/kernel/isolation.h"
#include "platforms/kernel/kernel_system.h"
#include "platforms/kernel/probe.h"

namespace ipcspec {
namespace {

KernelSystem* kernel = nullptr;

std::shared_ptr<const Call> Shared(Call call) {
  return std::make_shared<const Call>(std::move(call));
}

// A world in which the calls have been made by task 0.
struct Played {
  explicit Played(const std::vector<Call>& calls) : world(&dialect) {
    for (const Call& call : calls) Apply(Shared(call));
  }
  void Apply(const std::shared_ptr<const Call>& call) {
    Choice usual(Choice::Mode::kUsual);
    Begin(world, 0, ++label, call, 0);
    benchmark::DoNotOptimize(Offer(world, 0, 0, usual));
    Finish(world, 0);
  }
  Dialect dialect;
  World world;
  int label = 0;
};

void ReferencePipe(benchmark::State& state) {
  Played played({MakePipe{}});
  const auto write = Shared(Write{.fd = 4, .data = std::string(64, 'x')});
  const auto read = Shared(Read{.fd = 3, .count = 64});
  for (auto _ : state) played.Apply(write), played.Apply(read);
}
void KernelPipe(benchmark::State& state) {
  int ends[2];
  if (pipe(ends) != 0) return state.SkipWithError("pipe");
  char data[64] = {};
  for (auto _ : state) {
    benchmark::DoNotOptimize(write(ends[1], data, sizeof data));
    benchmark::DoNotOptimize(read(ends[0], data, sizeof data));
  }
  close(ends[0]), close(ends[1]);
}

void ReferenceSemop(benchmark::State& state) {
  Played played({Semget{.key = 0, .nsems = 1, .flags = 0600}});
  int id = -1;
  {
    Choice usual(Choice::Mode::kUsual);
    Begin(played.world, 0, 99, Shared(Semget{.key = 0, .nsems = 1, .flags = 0600}), 0);
    id = static_cast<int>(Offer(played.world, 0, 0, usual).outcome.ret);
    Finish(played.world, 0);
  }
  const auto give = Shared(Semop{.id = id, .ops = {{0, 1, 0}}});
  const auto take = Shared(Semop{.id = id, .ops = {{0, -1, 0}}});
  for (auto _ : state) played.Apply(give), played.Apply(take);
}
void KernelSemop(benchmark::State& state) {
  const int id = semget(IPC_PRIVATE, 1, 0600);
  sembuf give = {0, 1, 0}, take = {0, -1, 0};
  for (auto _ : state) {
    benchmark::DoNotOptimize(semop(id, &give, 1));
    benchmark::DoNotOptimize(semop(id, &take, 1));
  }
  semctl(id, 0, IPC_RMID);
}

void BareRoundTrip(benchmark::State& state) {
  if (!kernel->Reset().ok()) return state.SkipWithError("reset");
  for (auto _ : state) {
    if (!kernel->Ping().ok()) return state.SkipWithError("ping");
  }
}
void CheckedCall(benchmark::State& state) {
  if (!kernel->Reset().ok()) return state.SkipWithError("reset");
  Oracle oracle(kernel->dialect());
  int label = 0;
  const auto check = [&](const std::shared_ptr<const Call>& call) {
    std::vector<Event> events;
    return kernel->Submit(0, ++label, call, events).ok() && kernel->Settle(events).ok() &&
           oracle.Explain(events) == Verdict::kAllowed;
  };
  if (!check(Shared(MakePipe{}))) return state.SkipWithError("not explained");
  const auto write = Shared(Write{.fd = 4, .data = std::string(64, 'x')});
  const auto read = Shared(Read{.fd = 3, .count = 64});
  bool writes = true;
  for (auto _ : state) {
    if (!check(writes ? write : read)) return state.SkipWithError("not explained");
    writes = !writes;
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(ReferencePipe);
BENCHMARK(KernelPipe);
BENCHMARK(ReferenceSemop);
BENCHMARK(KernelSemop);
BENCHMARK(BareRoundTrip);
BENCHMARK(CheckedCall);

// Keeps each time for the ratios.
class Keeper : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) ns[run.benchmark_name()] = run.GetAdjustedRealTime();
    ConsoleReporter::ReportRuns(runs);
  }
  void Ratio(const char* what, const char* a, const char* b, double most) {
    if (!ns.contains(a) || !ns.contains(b)) return;
    std::printf("%-44s %6.2f  (goal: at most %.0f)\n", what, ns[a] / ns[b], most);
  }
  std::map<std::string, double> ns;
};

int RunAll(const Isolation& isolation) {
  auto system = KernelSystem::Create(isolation, Probe(isolation).dialect);
  if (!system.ok()) {
    std::fprintf(stderr, "reference_bench: %s\n", std::string(system.status().message()).c_str());
    return 1;
  }
  kernel = system->get();
  Keeper keeper;
  benchmark::RunSpecifiedBenchmarks(&keeper);
  std::printf("\n");
  keeper.Ratio("reference / kernel, pipe write+read of 64 bytes", "ReferencePipe", "KernelPipe", 1);
  keeper.Ratio("reference / kernel, two semops", "ReferenceSemop", "KernelSemop", 1);
  keeper.Ratio("checked call / bare round trip", "CheckedCall", "BareRoundTrip", 3);
  if (keeper.ns.contains("CheckedCall")) {
    std::printf("%-44s %6.0f  (goal: at least 30000)\n", "checked calls a second",
                1e9 / keeper.ns["CheckedCall"]);
  }
  return 0;
}

}  // namespace
}  // namespace ipcspec

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  return ipcspec::RunIsolated(ipcspec::RunAll);
}
