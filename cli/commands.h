// The commands of the ipcspec binary. Each returns the exit status of the contract: 0 all that
// could be judged conforms, 1 a violation, 2 wrong use, 3 no violation but something undecided.
#ifndef IPCSPEC_CLI_COMMANDS_H_
#define IPCSPEC_CLI_COMMANDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace ipcspec {

inline constexpr int kConforms = 0;
inline constexpr int kViolation = 1;
inline constexpr int kWrongUse = 2;
inline constexpr int kUndecided = 3;

// So many may share what the kernel counts by user over all namespaces (RLIMIT_MSGQUEUE,
// pipe-user-pages-soft): a workload takes some kilobytes and pipes.
inline constexpr int kMostJobs = 64;
// Of a machine of which nobody said how much of it is ours.
inline constexpr int kMostJobsUnasked = 4;

// What the flags of the command line say (ipcspec.cc).
struct Options {
  std::vector<std::string> mechanisms;        // --mechanism, empty: all
  std::string only;                           // --only: a part of the names of clauses
  bool on_reference = false;                  // --system=reference
  std::string results;                        // --results: a file, or empty
  std::string histories;                      // --histories: a directory, or empty
  std::string page;                           // --page: a file, or empty
  bool observations = false;                  // --observations: print what was seen
  uint64_t seed = 1;                          // --seed of generated programs and workloads
  absl::Duration length = absl::Seconds(10);  // --for
  int jobs = 0;                               // --jobs of stress, 0: as it sees fit
};

// Checks the clauses on the kernel beneath (in fresh namespaces), or on the reference.
int Check(const Options& options);
// Races workloads on it for a time.
int Stress(const Options& options);
// Prints the clauses, and how many rows of errno_pairs.tsv are provoked and excused.
int List(const Options& options);
// Runs a program on the system and judges what happens.
int Replay(const Options& options, const std::string& path);
// Prints a C program that does the same and exits 1 where the fault shows.
int Repro(const std::string& path);
// Judges a recorded history, and draws it.
int Explain(const Options& options, const std::string& path);

}  // namespace ipcspec

#endif  // IPCSPEC_CLI_COMMANDS_H_
