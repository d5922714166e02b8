import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest, the longest first, as measured on two cores; the rest are short. */
const SLOWEST = [
  ...['faults-death', 'faults-escape', 'faults-upgrade', 'faults-supervision', 'faults-exhaustion', 'faults-stop'],
  ...['kill', 'lost-registry', 'supervision', 'faults-identity', 'faults-time', 'notify', 'managed-service'],
  ...['examples', 'main-job', 'managed-service-python', 'soak', 'takeover', 'dependencies', 'faults-health'],
].map((name) => `test/real/${name}.test.ts`);

/** So that no worker is left alone with a long file at the end. Vitest itself goes by the size of the files. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = SLOWEST.findIndex((name) => moduleId.endsWith(name));
      return at < 0 ? SLOWEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
