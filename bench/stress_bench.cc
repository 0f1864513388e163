// Benchmarks of stress: what recording costs the racing tasks, and how much is stressed *and
// checked* beside what stress-ng stresses. Ratios within one run, each a median.
//
// What is compared does the same: as many tasks, messages as long, queues as large, on whatever
// processor the scheduler chooses, and as many of it side by side as there are processors. The goal
// is as many calls a second, with all that checking takes, as stress-ng has operations; what it
// counts as one (a message sent and received, a semaphore taken and given) is two calls.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "impl/call/cat.h"
#include "impl/call/check.h"
#include "platforms/kernel/isolation.h"
#include "platforms/kernel/jobs.h"
#include "platforms/kernel/kernel_system.h"
#include "platforms/kernel/monotonic.h"
#include "platforms/kernel/probe.h"
#include "platforms/kernel/shared.h"
#include "platforms/session.h"
#include "stress/life.h"

namespace ipcspec {
namespace {

constexpr int kRuns = 5;
constexpr uint64_t kLives = 15;
constexpr int64_t kRun = 1'000'000'000;  // ns

struct Kind {
  Workload workload;
  const char* stressor;   // "": stress-ng has none like it
  const char* operation;  // what a bogo operation of it is
};

Workload Balanced(const char* mechanism, const char* setup, int tasks, const char* gives,
                  const char* takes) {
  constexpr int kCalls = 4000;
  return {.mechanism = mechanism,
          .name = "Bench",
          .setup = setup,
          .roles = {{.tasks = tasks, .calls = kCalls, .acts = {{1, gives}}},
                    {.tasks = tasks, .calls = kCalls, .acts = {{1, takes}}}},
          .long_rounds = true,
          .anywhere = true};
}

std::vector<Kind> Kinds() {
  return {
      {Balanced("pipe", "1: t0 pipe2()\n", 1, "write(fd=@1.1, data=pattern(A, 0, 512))",
                "read(fd=@1.0, count=512)"),
       "pipe", "512 bytes written and read"},
      {Balanced("sysv_msg", "1: t0 msgget(flags=0600)\n", 1,
                "msgsnd(id=@1, type=1, data=pattern(A, 0, 8))", "msgrcv(id=@1, size=8)"),
       "msg", "a message of 4 bytes sent and received"},
      {Balanced("posix_mq",
                "1: t0 mq_open(name=\"/q\", flags=O_RDWR|O_CREAT, maxmsg=10, msgsize=8)\n", 1,
                "mq_send(fd=@1, data=pattern(A, 0, 8))", "mq_receive(fd=@1, size=8)"),
       "mq", "a message of 8 bytes sent and received"},
      {Balanced("sysv_sem", "1: t0 semget(nsems=1, flags=0600)\n", 2,
                "semop(id=@1, ops=[{num=0, op=1}])", "semop(id=@1, ops=[{num=0, op=-1}])"),
       "sem-sysv", "a semaphore taken and given, with SEM_UNDO"},
      {Balanced("posix_sem",
                "1: t0 mmap(prot=PROT_READ|PROT_WRITE, flags=MAP_SHARED|MAP_ANONYMOUS)\n"
                "2: t0 sem_init(address=@1, shared=true, value=0)\n",
                2, "sem_post(address=@1)", "sem_wait(address=@1)"),
       "sem", "a semaphore taken and given, then a yield or a short sleep"},
      {Balanced("mapping",
                "1: t0 mmap(prot=PROT_READ|PROT_WRITE, flags=MAP_SHARED|MAP_ANONYMOUS)\n", 2,
                "store(address=@1, data=pattern(A, 0, 8))", "load(address=@1, size=8)"),
       "", "a word stored and loaded"},
  };
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

bool Fails(const absl::Status& status) {
  if (status.ok()) return false;
  std::fprintf(stderr, "stress_bench: %s\n", std::string(status.message()).c_str());
  return true;
}

// Calls a second of racing tasks, with and without a record, by turns.
struct Rates {
  std::vector<double> with, without;
};
// Of a race of that life, all of whose tasks must get through; `runs` times. What runs anywhere
// makes its calls and no pauses.
bool MeasureRecording(KernelSystem& system, const Workload& workload, uint64_t seed, int runs,
                      Rates* rates) {
  absl::StatusOr<Cast> cast = Cast::Read(workload);
  if (!cast.ok()) return !Fails(cast.status());
  Dice dice(seed);
  Session session(system);
  for (const Step& step : cast->Setup(dice)) session.Run(step);
  if (session.ended()) return !Fails(absl::UnavailableError(session.story()));
  cast->Bind([&](ArgKind, int label, int index) { return session.ValueOf(label, index); });
  Race race = cast->Draw(dice);
  int64_t calls = 0;
  for (Script& script : race.scripts) {
    for (RaceStep& step : script.steps) {
      if (workload.anywhere) step.pause_ns = 0;
    }
    calls += static_cast<int64_t>(script.steps.size());
  }
  for (int run = 0; run < runs; ++run) {
    for (const bool recorded : {true, false}) {
      int64_t took = 0, races = 0;
      for (const int64_t begin = Monotonic(); Monotonic() - begin < kRun / 2; ++races) {
        const absl::StatusOr<int64_t> ns = system.TimeRace(race, recorded);
        if (!ns.ok()) return !Fails(ns.status());
        took += *ns;
      }
      (recorded ? rates->with : rates->without)
          .push_back(static_cast<double>(calls * races) * 1e9 / static_cast<double>(took));
    }
  }
  return true;
}

void PrintRecording(const std::string& name, const Rates& rates) {
  std::vector<double> costs;
  for (size_t i = 0; i < rates.with.size(); ++i) {
    costs.push_back((1 - rates.with[i] / rates.without[i]) * 100);
  }
  std::printf("%-14s %12.0f %12.0f %6.0f %%\n", name.c_str(), Median(rates.without),
              Median(rates.with), Median(costs));
  std::fflush(stdout);
}

bool RecordingTable(KernelSystem& system) {
  std::printf("recording: calls a second of racing tasks, medians\n");
  std::printf("%-14s %12s %12s %8s  (goal: at most 30 %%)\n", "", "unrecorded", "recorded", "cost");
  for (const Kind& kind : Kinds()) {
    Rates rates;
    if (!MeasureRecording(system, kind.workload, 1, kRuns, &rates)) return false;
    PrintRecording(kind.workload.mechanism, rates);
  }
  // Words once more as `ipcspec stress` has them: with pauses, on processors that differ by life.
  const std::vector<Workload>& all = AllWorkloads();
  const auto words = std::find_if(all.begin(), all.end(),
                                  [](const Workload& w) { return w.id() == "mapping.Long"; });
  IPCSPEC_CHECK(words != all.end(), "the words of stress have another name");
  Rates rates;
  for (uint64_t life = 1; life <= kLives; ++life) {
    if (!MeasureRecording(system, *words, life, 1, &rates)) return false;
  }
  PrintRecording(words->id(), rates);
  return true;
}

// Calls a second that one run draws, makes, records and explains; -1 if one is not explained.
double StressAlone(KernelSystem& system, const Workload& workload, uint64_t seed) {
  int64_t calls = 0, took = 0;
  for (const int64_t begin = Monotonic(); took < kRun; took = Monotonic() - begin) {
    const Life life = Live(system, workload, ++seed);
    if (Fails(life.status)) return -1;
    if (life.verdict != Verdict::kAllowed) {
      std::fprintf(stderr, "stress_bench: not explained: %s\n", life.story.c_str());
      return -1;
    }
    calls += life.calls;
  }
  return static_cast<double>(calls) * 1e9 / static_cast<double>(took);
}

// The same of `jobs` runs side by side.
double Stress(const Workload& workload, int jobs, uint64_t seed) {
  const Shared<std::atomic<int64_t>> all;
  const int status = RunJobs(jobs, [&](int job) {
    return RunIsolated([&](const Isolation& isolation) {
      const auto system = KernelSystem::Create(isolation, Probe(isolation).dialect);
      if (Fails(system.status())) return 1;
      KeepFreedMemory();
      const double rate =
          StressAlone(**system, workload, seed * 1'000'000 + static_cast<uint64_t>(job) * 10'000);
      *all += static_cast<int64_t>(rate);
      return rate < 0 ? 1 : 0;
    });
  });
  return status == 0 ? static_cast<double>(*all) : -1;
}

// Bogo operations a second of so many stressors; 0 if it is not installed.
double StressNg(const std::string& stressor, int jobs) {
  const Shared<std::atomic<double>> rate;
  RunIsolated([&](const Isolation&) {
    const std::string command =
        Cat("stress-ng --", stressor, " ", jobs, " --verify --timeout 1 --metrics-brief 2>&1");
    FILE* const out = popen(command.c_str(), "r");
    if (out == nullptr) return 1;
    std::array<char, 512> line, name;
    while (std::fgets(line.data(), line.size(), out) != nullptr) {
      const char* const at = std::strchr(line.data(), ']');
      double per_second = 0;
      if (at != nullptr &&
          std::sscanf(at + 1, "%500s %*f %*f %*f %*f %lf", name.data(), &per_second) == 2 &&
          name.data() == stressor) {
        *rate = per_second;
      }
    }
    return pclose(out);
  });
  return *rate;
}

bool StressTable() {
  const int jobs = ProcessorsHere();
  std::printf(
      "\nstress with checking, calls a second, beside stress-ng, %d of each, median of %d\n", jobs,
      kRuns);
  std::printf("%-10s %10s %10s %6s  (goal: at least 1)  an operation\n", "", "calls", "operations",
              "ratio");
  uint64_t seed = 0;
  for (const Kind& kind : Kinds()) {
    std::vector<double> ours, theirs;
    for (int run = 0; run < kRuns; ++run) {
      ours.push_back(Stress(kind.workload, jobs, ++seed));
      if (ours.back() < 0) return false;
      if (*kind.stressor != '\0') theirs.push_back(StressNg(kind.stressor, jobs));
    }
    const double our = Median(ours), their = theirs.empty() ? 0 : Median(theirs);
    std::printf("%-10s %10.0f ", kind.workload.mechanism.c_str(), our);
    if (their > 0) {
      std::printf("%10.0f %6.2f  %s\n", their, our / their, kind.operation);
    } else {
      std::printf("%s\n", theirs.empty() ? "(no stressor like it)" : "stress-ng not installed");
    }
    std::fflush(stdout);
  }
  std::printf("\nthe workloads of `ipcspec stress`, calls a second, with checking\n");
  for (const Workload& workload : AllWorkloads()) {
    if (!workload.long_rounds) continue;
    std::vector<double> rates;
    for (int run = 0; run < kRuns; ++run) rates.push_back(Stress(workload, jobs, ++seed));
    std::printf("%-20s %10.0f\n", workload.id().c_str(), Median(rates));
    std::fflush(stdout);
  }
  return true;
}

int MeasureRecordings(const Isolation& isolation) {
  const auto system = KernelSystem::Create(isolation, Probe(isolation).dialect);
  return !Fails(system.status()) && RecordingTable(**system) ? 0 : 1;
}

}  // namespace
}  // namespace ipcspec

int main() {
  using namespace ipcspec;
  return RunIsolated(MeasureRecordings) == 0 && StressTable() ? 0 : 1;
}
