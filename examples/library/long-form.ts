// long-form.ts
import { AlreadyRunning, ManagedService } from '@reeve/sdk';

class Importer extends ManagedService {
  constructor() {
    super('importer');
    this.onStop(() => console.log('cleaned up'));
  }
  async run() {
    console.log('imported');
  }
}

try {
  await using service = await Importer.open();
  await service.run();
} catch (error) {
  if (!(error instanceof AlreadyRunning)) throw error;
  console.error(`it is already running: ${error.pid}`);
}

// The same, in the words of Node 20:
const again = await Importer.open();
try {
  await again.run();
} finally {
  await again.close();
}
