// What a person is shown of a history that is not explained.
#ifndef IPCSPEC_CLI_SHOW_H_
#define IPCSPEC_CLI_SHOW_H_

#include <string>

#include "impl/call/history.h"
#include "impl/oracle/oracle.h"

namespace ipcspec {

// Of more calls neither lanes nor text are put on a terminal.
inline constexpr int kMostDrawn = 40;
inline constexpr int kMostPrinted = 60;

// What is to be drawn of a history: no more than up to the first quiet event behind the blamed one;
// and of that so many calls at its end, from a quiet event on, unless the blamed call or the last
// quiet event lies further back.
struct HistoryEnd {
  History history;
  Blame blame;           // in it
  int calls_before = 0;  // that are left out
};
HistoryEnd EndOf(const History& history, const Blame& blame, int most_calls);

// The lanes of such an end, with a line that says what is left out and what the marks mean;
// empty where even that is too large.
std::string DrawEnd(const History& history, const Blame& blame, int width);

// The columns of the terminal that is the standard output; 100 where it is none.
int TerminalWidth();

}  // namespace ipcspec

#endif  // IPCSPEC_CLI_SHOW_H_
