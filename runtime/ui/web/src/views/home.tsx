// The start: the runs, or on a server that has not had an event what to do next.

import { useEffect } from "preact/hooks";

import { refresh, status } from "../api/session";
import { useTopics } from "../api/use";
import { Loading } from "../components/ui";
import { go, here } from "../lib/router";
import { FirstVisit } from "./first-visit";

export default function Home() {
  const server = status.value;
  const events = server?.store_counts.events;
  useTopics(["run", "event", "resync"], () => void refresh(), 500);
  useEffect(() => {
    if (events !== undefined && events > 0) {
      go("/runs" + (here.value.query.get("live") === "0" ? "?live=0" : ""), true);
    }
  }, [events]);
  return server === undefined || server.store_counts.events > 0 ? <Loading what="Loading" /> : <FirstVisit server={server} />;
}
