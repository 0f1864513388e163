// ipcspec: the command line. See README.md, or run it without arguments.
#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "cli/commands.h"
#include "conformance/check.h"
#include "impl/call/cat.h"
#include "platforms/init/init.h"

ABSL_FLAG(std::string, mechanism, "", "mechanisms to check, separated by commas; all if empty");
ABSL_FLAG(std::string, only, "", "only clauses whose name contains this");
ABSL_FLAG(std::string, system, "kernel", "what to check: kernel or reference");
ABSL_FLAG(std::string, results, "", "a file for the results, JSON Lines");
ABSL_FLAG(std::string, histories, "", "a directory for histories that are not explained");
ABSL_FLAG(std::string, page, "", "a file for the drawing of a history");
ABSL_FLAG(bool, observations, false, "print the observations, after the verdicts");
ABSL_FLAG(uint64_t, seed, 1, "seed of the generated programs and workloads");
ABSL_FLAG(absl::Duration, for, absl::Seconds(10), "how long to stress");
ABSL_FLAG(int, jobs, 0, "how many races at a time; 0: one for each processor, 4 at most");

namespace ipcspec {
namespace {

constexpr std::string_view kUsage = R"(ipcspec: holds a Linux kernel to what is documented of IPC.

  ipcspec check     check the kernel of this machine, and print the verdicts
  ipcspec stress    let tasks race on it for a time, and explain what they saw
  ipcspec list      print the clauses that check holds it to
  ipcspec replay P  run the program in file P and judge what happens
  ipcspec repro P   print a C program that does what P does; it exits 1 where a fault shows
  ipcspec explain H judge the recorded history in file H

  --mechanism=M,…   check, stress, list: only these mechanisms
  --only=TEXT       check, stress, list: only clauses or workloads whose name contains TEXT
  --system=S        check, stress, replay: kernel (default), or reference: the specification itself
  --results=FILE    check, stress: also write results to FILE, JSON Lines, as each test ends
  --for=TIME        stress: how long, such as 30s or 8h (default 10s)
  --jobs=N          stress: N races at a time, each in namespaces of its own (default: one for each
                    processor, 4 at most)
  --histories=DIR   stress: save histories that are not explained there, 20 of a run at most
  --page=FILE       explain: draw the history as a page of HTML, too
  --observations    check: print what was seen where no document promises anything
  --seed=N          check, stress: seed of what is generated (default 1)

Exit status: 0 conforms, 1 a violation, 2 wrong use, 3 no violation but something undecided.
)";

int Wrong(const std::string& what) {
  std::fprintf(stderr, "ipcspec: %s\nRun ipcspec without arguments to see how it is used.\n",
               what.c_str());
  return kWrongUse;
}

// Sets the flags, and gives the other words. Says what is wrong, empty when nothing is.
// abseil's own parser ends the process with status 1, which here means a violation.
std::string ParseFlags(int argc, char** argv, std::vector<std::string>& words) {
  for (int i = 1; i < argc; ++i) {
    absl::string_view word = argv[i];
    if (!absl::ConsumePrefix(&word, "--")) {
      words.emplace_back(word);
      continue;
    }
    const std::vector<std::string> parts = absl::StrSplit(word, absl::MaxSplits('=', 1));
    absl::CommandLineFlag* flag = absl::FindCommandLineFlag(parts[0]);
    const bool ours =
        flag != nullptr && (parts[0] == "mechanism" || parts[0] == "only" || parts[0] == "system" ||
                            parts[0] == "results" || parts[0] == "histories" ||
                            parts[0] == "page" || parts[0] == "seed" ||
                            parts[0] == "observations" || parts[0] == "for" || parts[0] == "jobs");
    if (!ours) return Cat("unknown flag --", parts[0]);
    if (parts.size() < 2 && parts[0] == "observations") {
      absl::SetFlag(&FLAGS_observations, true);
      continue;
    }
    if (parts.size() < 2) return Cat("--", parts[0], " needs a value: --", parts[0], "=…");
    std::string error;
    if (!flag->ParseFrom(parts[1], &error)) {
      return Cat("--", parts[0], "=", parts[1], ": ", error);
    }
  }
  return "";
}

int Run(int argc, char** argv) {
  std::vector<std::string> words;
  if (const std::string wrong = ParseFlags(argc, argv, words); !wrong.empty()) return Wrong(wrong);
  if (words.empty()) {
    std::fputs(kUsage.data(), stdout);
    return kWrongUse;
  }

  Options options{.only = absl::GetFlag(FLAGS_only),
                  .results = absl::GetFlag(FLAGS_results),
                  .histories = absl::GetFlag(FLAGS_histories),
                  .page = absl::GetFlag(FLAGS_page),
                  .observations = absl::GetFlag(FLAGS_observations),
                  .seed = absl::GetFlag(FLAGS_seed),
                  .length = absl::GetFlag(FLAGS_for),
                  .jobs = absl::GetFlag(FLAGS_jobs)};
  if (options.jobs < 0 || options.jobs > kMostJobs) {
    return Wrong(Cat("--jobs=", options.jobs, ": from 1 to ", kMostJobs));
  }
  const std::string system = absl::GetFlag(FLAGS_system);
  if (system != "kernel" && system != "reference") {
    return Wrong(Cat("--system=", system, ": there are kernel and reference"));
  }
  options.on_reference = system == "reference";
  const std::vector<std::string> known = Mechanisms();
  for (const std::string& name : std::vector<std::string>(
           absl::StrSplit(absl::GetFlag(FLAGS_mechanism), ',', absl::SkipEmpty()))) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return Wrong(Cat("unknown mechanism '", name, "': there are ", absl::StrJoin(known, ", ")));
    }
    options.mechanisms.push_back(name);
  }

  const std::string& command = words[0];
  const bool takes_file = command == "replay" || command == "repro" || command == "explain";
  if (takes_file && words.size() != 2) return Wrong(Cat(command, " needs one file"));
  if (!takes_file && words.size() != 1) return Wrong(Cat("what is '", words[1], "'?"));
  if (command == "check") return Check(options);
  if (command == "stress") return Stress(options);
  if (command == "list") return List(options);
  if (command == "replay") return Replay(options, words[1]);
  if (command == "repro") return Repro(words[1]);
  if (command == "explain") return Explain(options, words[1]);
  return Wrong(Cat("unknown command '", command, "'"));
}

}  // namespace
}  // namespace ipcspec

int main(int argc, char** argv) {
  if (ipcspec::IsInit(argv[0])) ipcspec::RunAsInit(argc, argv, ipcspec::Run);
  return ipcspec::Run(argc, argv);
}
