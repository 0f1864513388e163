// Figures: what a run of stress has measured so far.
//
// The run may end at any moment: it is interrupted, it dies, its kernel does. So its figures are in
// memory that outlives it, which all its jobs share.
#ifndef IPCSPEC_CLI_FIGURES_H_
#define IPCSPEC_CLI_FIGURES_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "cli/commands.h"

namespace ipcspec {

// What became of one workload.
struct Tally {
  enum State { kConforms, kViolates, kUnsupported, kUndecided };
  std::atomic<State> state = kConforms;
  std::atomic<bool> written = false;  // its line of results
  std::atomic<int64_t> lives = 0, races = 0, calls = 0, deaths = 0, took_ns = 0;
  std::array<char, 2000> detail = {};  // the beginning of what is to be said of it

  // Nothing more is to be learnt from it.
  bool over() const { return state == kViolates || state == kUnsupported; }
  const char* verdict() const {
    constexpr std::array kNames = {"conforms", "violates", "unsupported", "undecided"};
    return kNames[state];
  }
  void Set(State now, const std::string& why) {
    why.copy(detail.data(), detail.size() - 1);
    state = now;
  }
};

// Shared by the jobs of a run (platforms/kernel/shared.h).
struct Figures {
  static constexpr int kMostWorkloads = 256;

  std::atomic<bool> begun = false;
  std::atomic<bool> results_lost = false, history_lost = false;
  std::atomic<int64_t> took_ns = 0;
  struct Job {
    std::atomic<int> living = -1;  // the workload that lives now; -1: it has ended, or never began
  };
  std::array<Job, kMostJobs> jobs;
  std::array<Tally, kMostWorkloads> tallies;
};

}  // namespace ipcspec

#endif  // IPCSPEC_CLI_FIGURES_H_
