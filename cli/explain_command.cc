// ipcspec explain: a recorded history is judged, and drawn.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "cli/commands.h"
#include "cli/input_file.h"
#include "cli/show.h"
#include "cli/verdict.h"
#include "impl/call/cat.h"
#include "impl/call/history.h"
#include "impl/monitor/explain.h"
#include "impl/oracle/lanes.h"

namespace ipcspec {
namespace {

// A browser is to be able to show it.
constexpr int kMostOnPage = 1000;

// Writes the file, or says why not; of a regular file nothing torn is left.
bool WritePage(const std::string& path, std::string_view page) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY, 0644);
  bool written = fd >= 0;
  while (written && !page.empty()) {
    const ssize_t n = write(fd, page.data(), page.size());
    if (n < 0 && errno == EINTR) continue;
    written = n >= 0;
    if (written) page.remove_prefix(static_cast<size_t>(n));
  }
  const int error = errno;
  if (fd >= 0) {
    struct stat about = {};
    if (!written && fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) unlink(path.c_str());
    close(fd);
  }
  if (!written) {
    std::fprintf(stderr, "ipcspec: cannot write the page '%s': %s\n", path.c_str(),
                 std::strerror(error));
  }
  return written;
}

std::string PageOf(const History& history, const Explanation& explanation,
                   const std::string& path) {
  const bool forbidden = explanation.verdict == Verdict::kForbidden;
  const HistoryEnd end = forbidden
                             ? EndOf(explanation.counterexample, explanation.blame, kMostOnPage)
                             : EndOf(history, Blame(), kMostOnPage);
  std::string story = explanation.story;
  if (explanation.is_part) Append(&story, "\nDrawn are the calls that show it.\n");
  if (end.calls_before > 0) {
    Append(&story, "\n", end.calls_before, " calls before are not drawn.\n");
  }
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  return LanesPage(end.history, Cat(name, ": ", NameOf(explanation.verdict)), story, end.blame);
}

}  // namespace

int Explain(const Options& options, const std::string& path) {
  const absl::StatusOr<std::string> text = ReadInput(path);
  if (!text.ok()) {
    std::fprintf(stderr, "ipcspec: %s\n", std::string(text.status().message()).c_str());
    return kWrongUse;
  }
  const absl::StatusOr<History> history = ParseHistory(*text);
  if (!history.ok()) {
    std::fprintf(stderr,
                 "ipcspec: %s: %s\nA history is text as `replay` prints it and `stress` saves it; "
                 "see README.md.\n",
                 path.c_str(), std::string(history.status().message()).c_str());
    return kWrongUse;
  }
  const Explanation explanation = ExplainAny(*history);
  std::printf("%s: %d events, %d calls\n%s", NameOf(explanation.verdict),
              static_cast<int>(history->events.size()), CallsIn(*history),
              explanation.story.c_str());
  if (!explanation.story.ends_with('\n') && !explanation.story.empty()) std::printf("\n");
  const bool terminal = isatty(STDOUT_FILENO) != 0;
  if (explanation.verdict == Verdict::kForbidden) {
    const History& shown = explanation.counterexample;
    if (terminal) {
      std::printf("\n%s", DrawEnd(shown, explanation.blame, TerminalWidth()).c_str());
    }
    if (explanation.is_part && CallsIn(shown) <= kMostPrinted) {
      std::printf("\nThe calls that show it:\n\n%s", ToText(shown).c_str());
    }
  } else if (terminal && CallsIn(*history) <= kMostDrawn) {
    std::printf("\n%s", DrawEnd(*history, Blame(), TerminalWidth()).c_str());
  }
  if (!options.page.empty() && !WritePage(options.page, PageOf(*history, explanation, path))) {
    return kWrongUse;
  }
  return ExitStatus(explanation.verdict);
}

}  // namespace ipcspec
